"""One writer a workspace: flows that change its inputs or run its stages wait for each other."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

#: Below the root; the kernel gives the lock back when its holder ends, however it ends.
LOCK = Path(".dvc/tmp/culturebench.lock")
#: How long to wait before looking again, in seconds.
PATIENCE = 1.0


@contextmanager
def only_writer(root: Path, on_wait: Callable[[str], None]) -> Generator[None]:
    """The block runs alone among all flows on the workspace at `root`; a wait is told once to `on_wait`."""
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if not _taken(file.fileno()):
            on_wait("Another run is writing to this workspace; this one waits for its end.")
            while not _taken(file.fileno()):
                time.sleep(PATIENCE)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
