"""One writer a workspace: whoever changes its inputs or runs its stages waits for the others."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from culturebench.errors import CultureBenchError

#: Below the root; the kernel gives the lock back when its holder ends, however it ends.
LOCK = Path(".dvc/tmp/culturebench.lock")
#: How long to wait before looking again, in seconds.
PATIENCE = 1.0


class WorkspaceError(CultureBenchError):
    """A folder that is no workspace."""


@contextmanager
def only_writer(root: Path, on_wait: Callable[[str], None]) -> Generator[None]:
    """The block is the only writer of the workspace at `root`; a wait is told once to `on_wait`.

    `WorkspaceError` where there is none.
    """
    if not (root / ".dvc").is_dir():
        raise WorkspaceError(f"{root.resolve()} holds no pipeline; run this in the project's root")
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
