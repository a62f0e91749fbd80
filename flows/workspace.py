"""One writer a workspace: whoever changes its inputs or runs its stages waits for the others."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from culturebench.errors import CultureBenchError
from flows.repair import repair

#: Below the root; the kernel gives the lock back when its holder ends, however it ends.
LOCK = Path(".dvc/tmp/culturebench.lock")
#: How long to wait before looking again, in seconds.
PATIENCE = 1.0


class WorkspaceError(CultureBenchError):
    """A folder that is no workspace."""


@contextmanager
def only_writer(root: Path, tell: Callable[[str], None], *, rebuild: bool = False) -> Generator[None]:
    """The block is the only writer of the workspace at `root`; a wait, and what had to be mended, is told to `tell`.

    `WorkspaceError` where there is none; `LockConflict` for a dvc.lock with a merge conflict, unless the block shall
    build it again.
    """
    if not (root / ".dvc").is_dir():
        raise WorkspaceError(f"{root.resolve()} holds no pipeline; run this in the project's root")
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if not _taken(file.fileno()):
            tell("Another run is writing to this workspace; this one waits for its end.")
            while not _taken(file.fileno()):
                time.sleep(PATIENCE)
        for sentence in repair(root, rebuild=rebuild):
            tell(sentence)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
