"""The only code that calls DVC: as a command, in a process group of its own, read line by line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from culturebench.errors import CultureBenchError

#: How long a stopped pipeline may take to end by itself, in seconds.
GRACE = 5.0
#: How long to wait for another reproduction that is at the same stage before asking again, in seconds.
PATIENCE = 1.0
#: How many lines of output an error shows.
TAIL = 15


class DvcError(CultureBenchError):
    """DVC could not be run, or a stage failed; the message ends with the last lines of its output."""


class Outcome(StrEnum):
    """What became of a stage in one reproduction."""

    RAN = "ran"
    RESTORED = "restored"  # seen before with the same inputs: its outputs came from the cache
    SKIPPED = "skipped"  # nothing that it depends on has changed
    FAILED = "failed"


@dataclass(frozen=True)
class StageOutcome:
    """One stage's outcome and its wall time in seconds, with what DVC does around it."""

    stage: str
    outcome: Outcome
    seconds: float


@dataclass(frozen=True)
class StaleStage:
    """A stage that will run, or that may run when a stage before it writes other bytes than last time."""

    stage: str
    certain: bool
    reasons: tuple[str, ...]


_MARKS = (
    (re.compile(r"^Running stage '(.+)':$"), Outcome.RAN),
    (re.compile(r"^Stage '(.+)' is cached - skipping run, checking out outputs$"), Outcome.RESTORED),
    (re.compile(r"^Stage '(.+)' didn't change, skipping$"), Outcome.SKIPPED),
    (re.compile(r"^ERROR: failed to reproduce '(.+?)'"), Outcome.FAILED),
)


class OutcomeReader:
    """Reads the lines of `dvc repro` and keeps what became of every stage, in the order of execution."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._open: tuple[str, Outcome] | None = None
        self._done: list[StageOutcome] = []

    def read(self, line: str) -> None:
        """Take one line, without its end."""
        for pattern, outcome in _MARKS:
            match = pattern.match(line)
            if match:
                self._mark(match[1], outcome)

    def outcomes(self) -> tuple[StageOutcome, ...]:
        """All stages so far; call it when the command has ended, so that the last one's time is right."""
        self._close()
        return tuple(self._done)

    def _mark(self, stage: str, outcome: Outcome) -> None:
        if outcome is Outcome.FAILED and self._open and self._open[0] == stage:
            self._open = (stage, outcome)
            return
        self._close()
        self._open = (stage, outcome)

    def _close(self) -> None:
        now = self._clock()
        if self._open:
            self._done.append(StageOutcome(*self._open, seconds=now - self._started))
        self._open, self._started = None, now


def reproduce(
    targets: Sequence[str] = (),
    *,
    root: Path,
    on_line: Callable[[str], None] = lambda line: None,
    environment: Mapping[str, str] | None = None,
    single: bool = False,
) -> tuple[StageOutcome, ...]:
    """Run `dvc repro` on `targets` and what is before them, on everything when there are none.

    `single` leaves out what is before them. Every line of output goes to `on_line`; `environment` is added to the
    current one. Raises `DvcError` when a stage fails. An exception, Ctrl-C included, ends the stages' processes too.
    """
    options = ["--single-item"] if single else []
    command = ["--wait-for-lock", "repro", *options, *targets]
    found: dict[str, StageOutcome] = {}
    while True:
        attempt = _attempt(command, root, on_line, environment)
        for outcome in attempt.outcomes:
            # What ran before a wait is skipped after it, and has run all the same.
            if outcome.stage not in found or outcome.outcome is not Outcome.SKIPPED:
                found[outcome.stage] = outcome
        if not attempt.busy:
            break
        time.sleep(PATIENCE)
    if attempt.failed:
        failed = ", ".join(o.stage for o in attempt.outcomes if o.outcome is Outcome.FAILED) or "the pipeline"
        raise DvcError(f"{failed} failed; run `dvc repro` again after the repair. DVC said:\n{attempt.tail}")
    return tuple(found.values())


@dataclass(frozen=True)
class _Attempt:
    outcomes: tuple[StageOutcome, ...]
    failed: bool
    busy: bool  # another reproduction is at one of the stages; --wait-for-lock does not cover this
    tail: str


def _attempt(
    command: Sequence[str], root: Path, on_line: Callable[[str], None], environment: Mapping[str, str] | None
) -> _Attempt:
    reader = OutcomeReader()
    tail: deque[str] = deque(maxlen=TAIL)
    with _running(command, root, environment) as process:
        for line in _lines(process):
            reader.read(line)
            on_line(line)
            tail.append(line)
    failed = process.returncode != 0
    text = "\n".join(tail)
    return _Attempt(reader.outcomes(), failed, failed and "it is being blocked by" in text, text)


def status(*, root: Path) -> list[StaleStage]:
    """Every stage that is not up to date, in the order of execution, each with reasons a person can read."""
    changed: dict[str, Any] = json.loads(_capture(["status", "--json"], root) or "{}")
    before = _graph(_capture(["dag", "--dot"], root))
    stale: dict[str, StaleStage] = {}
    for stage in _in_order(before):
        if stage in changed:
            stale[stage] = StaleStage(stage, certain=True, reasons=tuple(_reasons(changed[stage])))
        elif waiting := sorted(before[stage] & stale.keys()):
            stale[stage] = StaleStage(stage, certain=False, reasons=tuple(f"after {name}" for name in waiting))
    return list(stale.values())


def stages(*, root: Path) -> list[str]:
    """Names of all stages, in an order in which they can run."""
    return _in_order(_graph(_capture(["dag", "--dot"], root)))


def _reasons(changes: Sequence[Any]) -> Iterator[str]:
    for change in changes:
        if isinstance(change, str):
            yield change
            continue
        for kind, items in change.items():
            for path, state in items.items():
                yield from _item_reasons(kind, path, state)


def _item_reasons(kind: str, path: str, state: Any) -> Iterator[str]:
    if isinstance(state, dict):
        entries = cast(dict[str, str], state)
        yield from (f"{path}: {key} {value}" for key, value in entries.items())
    elif kind == "changed outs" and state in ("deleted", "not in cache"):
        yield f"{path} is not there"
    else:
        yield f"{path} {state}"


def _graph(dot: str) -> dict[str, set[str]]:
    """Stage -> the stages directly before it, from the DOT text of `dvc dag`."""
    before: dict[str, set[str]] = {}
    for line in dot.splitlines():
        names = re.findall(r'"([^"]+)"', line)
        for name in names:
            before.setdefault(name, set())
        if len(names) == 2 and "->" in line:
            before[names[1]].add(names[0])
    return before


def _in_order(before: Mapping[str, set[str]]) -> list[str]:
    done: dict[str, None] = {}

    def visit(stage: str) -> None:
        if stage not in done:
            for earlier in sorted(before[stage]):
                visit(earlier)
            done[stage] = None

    for stage in before:
        visit(stage)
    return list(done)


def _capture(arguments: Sequence[str], root: Path) -> str:
    with _running(arguments, root, None, stderr=subprocess.PIPE) as process:
        out, error = process.communicate()
    if process.returncode != 0:
        raise DvcError(f"`dvc {' '.join(arguments)}` failed: {error.strip() or out.strip()}")
    return out


@contextmanager
def _running(
    arguments: Sequence[str], root: Path, environment: Mapping[str, str] | None, stderr: int = subprocess.STDOUT
) -> Generator[subprocess.Popen[str]]:
    """DVC as a group of processes that never outlives the block."""
    here = Path(sys.executable).parent
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=root,
        env={**_environment(here), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # a signal to DVC alone would leave the stage's process writing
    )
    try:
        yield process
    finally:
        _end(process)


def _environment(here: Path) -> dict[str, str]:
    inherited = dict(os.environ)
    inherited["PATH"] = f"{here}{os.pathsep}{inherited.get('PATH', '')}"
    return {**inherited, "PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "1"}


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip("\n")
    process.wait()


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    for sign, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
