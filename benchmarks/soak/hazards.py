"""What else happens to a run in years: disks that fill, clocks that jump, processes that are held, runs that meet.

Each is one disturbed run of a fresh workspace. It may fail, by one message and without a traceback; the next run, which
nobody disturbs, has to end with the bytes of one that nobody disturbed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.soak.kill import SoakError, living, started
from benchmarks.soak.series import REPRO, compare, end
from workspace import Workspace

#: Bytes of a disk that fills in the middle of a shrunken run.
SMALL = 1_500_000
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Hazard:
    """Does something to a run; returns its exit status."""

    name: str
    run: Callable[[Workspace], int]
    needs: Callable[[], bool] = lambda: True


def met(hazard: Hazard, finished: Workspace, folder: Path) -> str:
    """What the disturbed run did, in a word; `SoakError` where it, or the run behind it, left something wrong."""
    if not hazard.needs():
        return "not tried: this machine or user cannot"
    workspace = Workspace.fresh(folder)
    status = hazard.run(workspace)
    if left := living(workspace):
        raise SoakError(f"{hazard.name}: still at work: {'; '.join(left)}")
    printed = workspace.printed.read_text(encoding="utf-8", errors="replace") if workspace.printed.exists() else ""
    if status and TRACEBACK in printed:
        raise SoakError(f"{hazard.name}: ended with a traceback:\n{printed[-3000:]}")
    compare(workspace, finished)
    end(workspace, finished)
    return f"ended with {status}, the next run with the same bytes" if status else "went on to its end"


def _plain(workspace: Workspace, command: Sequence[str] = REPRO, more: Mapping[str, str] | None = None) -> int:
    with started(workspace, command, more) as process:
        return process.wait()


def _held(workspace: Workspace) -> int:
    """SIGSTOP to every process of the run, five times, and SIGCONT after a while."""
    with started(workspace, REPRO) as process:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(4.0)
                break
            groups = _groups(process.pid)
            for sign in (signal.SIGSTOP, signal.SIGCONT):
                for group in groups:
                    with suppress(ProcessLookupError):
                        os.killpg(group, sign)
                time.sleep(1.0)
        return process.wait()


def _groups(leader: int) -> set[int]:
    with suppress(psutil.Error):
        return {os.getpgid(each.pid) for each in psutil.Process(leader).children(recursive=True)} | {leader}
    return {leader}


def _twice(workspace: Workspace) -> int:
    """Two runs at once: one waits, or finds done what the other did."""
    with started(workspace, REPRO) as first, started(workspace, REPRO) as second:
        return first.wait() or second.wait()


def _clock(workspace: Workspace) -> int:
    """A clock that stands three days back, then runs at a tenfold speed."""
    jumps = {"LD_PRELOAD": faketime(), "FAKETIME": "-3d x10", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return _plain(workspace, REPRO, jumps)


def faketime() -> str:
    """The library of the package libfaketime; "" where it is not installed."""
    found = importlib.util.find_spec("libfaketime")
    folders = found.submodule_search_locations if found else None
    return next((str(path) for folder in folders or () for path in Path(folder).rglob("libfaketime.so*")), "")


def _files(workspace: Workspace) -> int:
    return _plain(workspace, ["bash", "-c", f"ulimit -n 64; exec {' '.join(REPRO)}"])


def _full(place: str) -> Callable[[Workspace], int]:
    """A disk of `SMALL` bytes mounted at the place for the time of the run; what it held is lost."""

    def run(workspace: Workspace) -> int:
        folder = workspace.root / place if place != "store" else workspace.store
        folder.mkdir(parents=True, exist_ok=True)
        mount = f"mount -t tmpfs -o size={SMALL} none {folder}"
        return _plain(workspace, ["unshare", "-m", "bash", "-c", f"{mount} && exec {' '.join(REPRO)}"])

    return run


def _read_only(workspace: Workspace) -> int:
    workspace.store.mkdir(parents=True)
    mount = f"mount -t tmpfs -o ro none {workspace.store}"
    return _plain(workspace, ["unshare", "-m", "bash", "-c", f"{mount} && exec {' '.join(REPRO)}"])


def _can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    tried = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(tried, check=False, capture_output=True).returncode == 0


HAZARDS = (
    Hazard("stopped and continued every few seconds", _held),
    Hazard("two runs at once", _twice),
    Hazard("64 open files", _files),
    Hazard("a clock three days back that runs ten times too fast", _clock, lambda: bool(faketime())),
    Hazard("a store that can only be read", _read_only, _can_mount),
    Hazard("a full disk under the store", _full("store"), _can_mount),
    Hazard("a full disk under DVC's cache", _full(".dvc/cache"), _can_mount),
    Hazard("a full disk under data/", _full("data"), _can_mount),
)
