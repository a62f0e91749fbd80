"""Where kills are aimed: the moments at which a file of somebody else's is half its old and half its new self."""

from __future__ import annotations

from dataclasses import dataclass

#: Of the audit events' arguments the first and the second.
FIRST, SECOND = 0, 1


@dataclass(frozen=True)
class Place:
    """One of Python's audit events, by its name, and patterns of one of its arguments and of the command line.

    `most` occurrences are passed by at random, so that the whole of a run is met and not its beginning alone.
    """

    name: str
    event: str
    argument: int
    pattern: str
    within: str = ""
    most: int = 1


_OBJECT = r"\.dvc/cache/files/md5/../[0-9a-f]{30}(\.dir)?$"
_KEPT = r"/store/../"

IN_A_RUN = (
    Place("DVC's commit: an object gets its name", "os.rename", SECOND, _OBJECT, most=8),
    Place("DVC's note of a run gets its name", "os.rename", SECOND, r"\.dvc/cache/runs/", most=6),
    Place("dvc.lock is renamed into its place", "os.rename", SECOND, r"/dvc\.lock$", most=3),
    Place("DVC's locks on paths are written", "open", FIRST, r"\.dvc/tmp/rwlock$", most=30),
    Place("a checkout copies an object", "shutil.copyfile", FIRST, _OBJECT, most=6),
    Place("a stage's output gets its name", "os.rename", SECOND, r"^(data|models|reports)/", r"/stages/\w+\.py", 3),
    Place("the store keeps a result", "os.rename", SECOND, _KEPT, r"/stages/\w+\.py", 10),
)
CHECKPOINT = Place("the store keeps a checkpoint", "os.rename", SECOND, _KEPT, r"/train_enhancer\.py", 3)
TASK = Place("under a Prefect task", "os.rename", SECOND, r"^(data|models|reports)/", r"/stages/\w+\.py", 3)
COPY = Place("an experiment's copy is written", "open", FIRST, r"/\.dvc/tmp/experiment-", "", 12)
