"""One command that is killed, at a place or at a moment, with all that it has started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.soak.places import Place
from workspace import Workspace

BIN = Path(sys.prefix) / "bin"
AIM = Path(__file__).with_name("aim")
#: Seconds between two looks at a file, those that killed processes may take to be gone, and a command's longest life.
LOOK, PATIENCE, LONGEST = 0.01, 15.0, 900.0
#: Returns whether the moment has come.
Moment = Callable[[], bool]


class SoakError(Exception):
    """A command that failed by itself, or something that a kill has left behind."""


def killed(workspace: Workspace, command: Sequence[str], moment: Moment, more: Mapping[str, str] | None = None) -> bool:
    """Kill the command's process group when `moment` says so; False when it had ended well before.

    `SoakError` when it fails by itself, or when a process of it still works afterwards.
    """
    with started(workspace, command, more) as process:
        deadline = time.monotonic() + LONGEST
        while process.poll() is None and not moment():
            if time.monotonic() > deadline:
                raise SoakError(f"{' '.join(command)} did not end in {LONGEST:.0f} s")
            time.sleep(LOOK)
        over = process.poll()
        if over is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if over:
        raise SoakError(f"{' '.join(command)} ended with {over}:\n{tail(workspace)}")
    if left := living(workspace):
        raise SoakError(f"still at work after the kill: {'; '.join(left)}")
    return over is None


def run_to_its_end(workspace: Workspace, command: Sequence[str], more: Mapping[str, str] | None = None) -> None:
    """The command, which nobody disturbs; `SoakError` when it fails."""
    killed(workspace, command, lambda: False, more)


@contextmanager
def started(
    workspace: Workspace, command: Sequence[str], more: Mapping[str, str] | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """The command at work as a process group of its own; what it prints is added to the workspace's `printed`."""
    with workspace.printed.open("ab") as printed:
        process = subprocess.Popen(
            command, cwd=workspace.root, env={**workspace.shell, **(more or {})}, stdin=subprocess.DEVNULL,
            stdout=printed, stderr=printed, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def aimed(workspace: Workspace, command: Sequence[str], place: Place, occurrence: int) -> bool:
    """Kill the command at the place, which holds it there meanwhile."""
    reached = workspace.store.with_name("reached")
    for file in (reached, reached.with_name("reached.count")):
        file.unlink(missing_ok=True)
    words = [place.event, place.argument, place.pattern, place.within, occurrence, str(reached)]
    environment = {"SOAK_AIM": json.dumps(words), "PYTHONPATH": str(AIM)}
    return killed(workspace, command, reached.exists, environment)


def after(seconds: float) -> Moment:
    """The moment so many seconds from now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def in_stage(workspace: Workspace, stage: str, seconds: float) -> Moment:
    """The moment so many seconds after the stage has begun, by what the command prints from now on."""
    begun = workspace.printed.stat().st_size if workspace.printed.exists() else 0
    since: list[float] = []

    def come() -> bool:
        if not since:
            with workspace.printed.open("rb") as file:
                file.seek(begun)
                if f" {stage} ".encode() in file.read():
                    since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] >= seconds

    return come


def living(workspace: Workspace) -> list[str]:
    """Command lines of processes that are still at work in the workspace after some patience."""
    deadline = time.monotonic() + PATIENCE
    while (found := _working(workspace)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _working(workspace: Workspace) -> list[str]:
    found: list[str] = []
    for process in psutil.process_iter(["cwd", "cmdline", "status"]):
        where, command = process.info["cwd"], process.info["cmdline"]
        dead = process.info["status"] == psutil.STATUS_ZOMBIE or not command
        if where and not dead and Path(where).is_relative_to(workspace.root):
            found.append(" ".join(command))
    return found


def tail(workspace: Workspace, characters: int = 3000) -> str:
    """The last of what commands printed."""
    return workspace.printed.read_text(encoding="utf-8", errors="replace")[-characters:]
