"""The only code that calls DVC: as a command, in a process group of its own, read line by line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from culturebench.artifacts import code
from culturebench.errors import CultureBenchError
from culturebench.regions.prune import prune
from flows import digests, whole
from flows.jobs import settings
from flows.outcomes import Event, Outcome, OutcomeReader, StageOutcome, is_noise
from flows.pipeline import Pipeline
from flows.processes import end_all, running
from flows.repair import clear_path_locks, complaint, repair

#: How long to wait for another reproduction that is at the same stage before asking again, in seconds.
PATIENCE = 1.0
#: How many lines of output an error shows.
TAIL = 15


class DvcError(CultureBenchError):
    """DVC could not be run, or a stage failed; the message ends with the last lines of its output.

    `outcomes` says what became of the stages until then.
    """

    def __init__(self, message: str, outcomes: tuple[StageOutcome, ...] = ()) -> None:
        super().__init__(message)
        self.outcomes = outcomes


def reproduce(
    targets: Sequence[str] = (),
    *,
    root: Path,
    on_line: Callable[[str], None] = lambda line: None,
    on_event: Callable[[Event], None] = lambda event: None,
    environment: Mapping[str, str] | None = None,
    single: bool = False,
    jobs: int | None = None,
    devices: list[str] | None = None,
) -> tuple[StageOutcome, ...]:
    """Run `dvc repro` on `targets` and what is before them, on everything when there are none.

    `single` leaves out what is before them, and takes code.json as it is: who makes several such calls at once lets
    `flows.digests` write it once before. Up to `jobs` stages are at work at once, by default as many as there is room
    for (`flows.jobs`); those that compute with torch one after another on each of `devices`, by default this machine's
    GPUs.
    Every event goes to `on_event`, and its line to `on_line`; `environment` is added to the current one. Raises
    `DvcError` when a stage fails, after those at work have ended; `UnknownName` for a target that there is not. An
    exception, Ctrl-C included, ends the stages' processes too.
    """

    def tell(event: Event) -> None:
        on_event(event)
        if event.text:
            on_line(event.text)

    for sentence in (*repair(root), *prune(root)):
        tell(Event(text=sentence))
    if not single:
        digests.note(root)
    if not single and (cached := _all_cached(targets, root, environment)):
        tell(Event(text="Data and pipelines are up to date."))
        return cached
    options = ["--single-item"] if single else []
    command = ["--wait-for-lock", "repro", *options, *targets]
    found: dict[str, StageOutcome] = {}
    room = settings(root, jobs, devices)
    while True:
        attempt = _attempt(command, root, tell, environment, room)
        for outcome in attempt.outcomes:
            if attempt.busy and outcome.outcome is Outcome.FAILED:
                continue  # it only met the other reproduction
            # What ran before a wait is cached after it, and has run all the same.
            if outcome.stage not in found or outcome.outcome is not Outcome.CACHED:
                found[outcome.stage] = outcome
        if not attempt.busy:
            break
        time.sleep(PATIENCE)
    if attempt.failed:
        failed = ", ".join(o.stage for o in attempt.outcomes if o.outcome is Outcome.FAILED) or "the pipeline"
        raise DvcError(
            f"{failed} failed; run `dvc repro` again after the repair. DVC said:\n{attempt.tail}", tuple(found.values())
        )
    return tuple(found.values())


def _all_cached(targets: Sequence[str], root: Path, environment: Mapping[str, str] | None) -> tuple[StageOutcome, ...]:
    """The stages asked for if nothing about them has changed, else none; a look costs a quarter of `dvc repro`."""
    try:
        pipeline = look(root=root, environment=environment, noted=True)
    except DvcError:  # somebody writes, or the pipeline cannot be read: DVC waits, or says so
        return ()
    selected = pipeline.select(targets)
    stale = not pipeline.stale.keys().isdisjoint(selected)
    return () if stale else tuple(StageOutcome(name, Outcome.CACHED, 0.0) for name in selected)


@dataclass(frozen=True)
class _Attempt:
    outcomes: tuple[StageOutcome, ...]
    failed: bool
    busy: bool  # another reproduction is at one of the stages; --wait-for-lock does not cover this
    tail: str


def _attempt(
    command: Sequence[str],
    root: Path,
    tell: Callable[[Event], None],
    environment: Mapping[str, str] | None,
    room: Mapping[str, Any],
) -> _Attempt:
    reader = OutcomeReader()
    tails: defaultdict[str, deque[str]] = defaultdict(lambda: deque[str](maxlen=TAIL))
    # -P: a file of the workspace must not stand in for one of Python's own modules.
    script = [sys.executable, "-P", str(Path(__file__).with_name("_repro.py")), json.dumps(room)]
    with running([*script, *command], root=root, environment=environment) as process:
        for line in _lines(process):
            event = reader.read(line)
            if not is_noise(event):
                tell(event)
                tails[event.stage].append(event.text)
    failed = process.returncode != 0
    outcomes = reader.outcomes()
    # the first stage that failed says why, and then DVC
    first = next((found.stage for found in outcomes if found.outcome is Outcome.FAILED), "")
    text = "\n".join(filter(None, [*(tails[first] if first else ()), *tails[""]]))
    return _Attempt(outcomes, failed, failed and "it is being blocked by" in text, text)


def look(*, root: Path, environment: Mapping[str, str] | None = None, noted: bool = False) -> Pipeline:
    """Every stage, its place in the order, and what has changed about it, at the cost of one call of DVC.

    Nothing is written: where code.json is old, DVC is told what it would hold (`noted` says that it is new), and a
    dvc.lock that cannot be read stays as it is: `DvcError` says the way out.
    """
    with _params({} if noted else digests.unnoted(root)) as options:
        try:
            return _index(root, environment, *options)
        except DvcError:
            if said := complaint(root):
                raise DvcError(said) from None
            if not clear_path_locks(root):
                raise
            return _index(root, environment, *options)


@contextmanager
def looking(*, root: Path) -> Generator[Callable[[], Pipeline]]:
    """A `look` that goes on beside the block, for DVC is another process; what is yielded waits for its end."""
    with ThreadPoolExecutor(1) as pool:
        looked = pool.submit(look, root=root)
        try:
            yield looked.result
        except KeyboardInterrupt:  # DVC may be waiting for another one's lock
            end_all()
            raise


@contextmanager
def _params(of_code: Mapping[str, str]) -> Generator[Sequence[str]]:
    if not of_code:
        yield ()
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "params.json"
        path.write_text(json.dumps({code.PATH: of_code}), encoding="utf-8")
        yield "--params", str(path)


def graph(*, root: Path, environment: Mapping[str, str] | None = None) -> Pipeline:
    """Every stage and its place in the order, without what has changed; works while a stage runs."""
    return _index(root, environment, "--graph")


def _index(root: Path, environment: Mapping[str, str] | None, *options: str) -> Pipeline:
    # -P: beside that script lies a module that is called dvc as well.
    command = [sys.executable, "-P", str(Path(__file__).with_name("_index.py")), *options]
    with running(command, root=root, environment=environment) as process:
        lines = list(_lines(process))
    if process.returncode != 0:
        raise DvcError("DVC cannot read the pipeline: " + "\n".join(lines[-TAIL:]))
    found: dict[str, Any] = json.loads(lines[-1])
    if found["difference"]:
        _warn(found["difference"])
    return Pipeline.read(found["stages"])


@cache
def _warn(sentence: str) -> None:
    """Once is enough."""
    print(sentence, file=sys.stderr)


def push(*, root: Path, on_line: Callable[[str], None]) -> None:
    """Copy what the cache holds of the current outputs to the default remote; `DvcError` without one."""
    _command(["push"], root, on_line)


def share_cache(root: Path, other: Path) -> None:
    """Let the checkout `other` of the workspace use its cache and settings, and bring its outputs there."""
    local = root / ".dvc/config.local"
    if local.exists():
        shutil.copy2(local, other / ".dvc/config.local")
    cache = root / ".dvc/cache"
    _command(["config", "--local", "cache.dir", str(cache)], other)
    whole.drop_damaged(cache / whole.OBJECTS, whole.recorded(other / "dvc.lock").values(), set())
    with suppress(DvcError):  # outputs that are not in the cache are stale, and it complains of them
        _command(["checkout", "--quiet"], other)


def _command(arguments: Sequence[str], root: Path, on_line: Callable[[str], None] = lambda line: None) -> None:
    room = settings(root, 1, [])
    attempt = _attempt(["--wait-for-lock", *arguments], root, lambda event: on_line(event.text), None, room)
    if attempt.failed:
        raise DvcError(f"`dvc {arguments[0]}` failed. DVC said:\n{attempt.tail}")


def cache_folder(*, root: Path) -> Path:
    """Where DVC's cache is."""
    with running([sys.executable, "-m", "dvc", "cache", "dir"], root=root) as process:
        lines = list(_lines(process))
    if process.returncode != 0:
        raise DvcError("DVC does not say where its cache is: " + "\n".join(lines[-TAIL:]))
    return root / lines[-1]


@dataclass(frozen=True)
class Purged:
    """How many objects left the cache and each remote, and why a remote could not be asked."""

    objects: int
    remotes: Mapping[str, int]
    failed: Mapping[str, str]


def purge(hashes: Collection[str], *, root: Path) -> Purged:
    """Delete objects, and what would bring them back, from the remotes and then from the cache.

    The cache stays as it is as long as a remote cannot be asked, so that the same call can be made again.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hashes.json"
        path.write_text(json.dumps(sorted(hashes)), encoding="utf-8")
        command = [sys.executable, "-P", str(Path(__file__).with_name("_purge.py")), str(path)]
        with running(command, root=root) as process:
            lines = list(_lines(process))
    if process.returncode != 0:
        raise DvcError("DVC cannot delete from its cache: " + "\n".join(lines[-TAIL:]))
    return Purged(**json.loads(lines[-1]))


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip("\n")
    process.wait()
