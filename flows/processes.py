"""Commands as process groups that end with the block, the call or the process that started them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from culturebench.errors import CultureBenchError
from flows import _guard

#: How long the guard may take to end a group, in seconds: its own grace, and time to do it on a busy machine.
PATIENCE = _guard.GRACE + 10.0

_OF_THE_SERVER = re.compile(r"^PREFECT_.*(AUTH_STRING|API_KEY)$")
_running: set[subprocess.Popen[str]] = set()
_stopped = threading.Event()


class Stopped(CultureBenchError):
    """The run is being ended, and starts nothing more."""


@contextmanager
def running(
    command: Sequence[str], *, root: Path, environment: Mapping[str, str] | None = None
) -> Generator[subprocess.Popen[str]]:
    """The command at work in `root`, its output and errors to be read as one text; no process outlives the block.

    This interpreter's commands come first on its path; `environment` is added to the current one.

    Nor does one outlive this Python process: a signal to the command alone, or to us, would leave its children writing.
    """
    if _stopped.is_set():
        raise Stopped("the run was stopped before it came to this command")
    guard = [sys.executable, "-I", "-S", str(Path(_guard.__file__).resolve())]
    process = subprocess.Popen(
        [*guard, *command],
        cwd=root,
        env={**_inherited(), **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C reaches us alone, and we tell the guard
    )
    _running.add(process)
    try:
        yield process
    finally:
        end(process)
        _running.discard(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a group that `running` started; nothing happens when it has ended."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def ending_all() -> Generator[None]:
    """A block whose exception ends the groups of other threads as well, and keeps them from starting more."""
    _stopped.clear()
    try:
        yield
    except BaseException:
        end_all()
        raise


def end_all() -> None:
    """End the groups of all threads, and keep them from starting more until the next `ending_all`."""
    _stopped.set()
    for process in list(_running):
        end(process)


def _inherited() -> dict[str, str]:
    """This process's environment without what opens the Prefect server: no stage asks it anything."""
    kept = {name: value for name, value in os.environ.items() if not _OF_THE_SERVER.search(name)}
    here = Path(sys.executable).parent
    path = f"{here}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "1"}
