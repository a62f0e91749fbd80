"""What a kill in the middle of DVC's own writing leaves behind, and how it is put right.

DVC writes `dvc.lock` and `.dvc/tmp/rwlock` in place. A process that is killed meanwhile leaves half a file, and every
later DVC command ends with an error. Only who writes to the workspace mends `dvc.lock`, and the file as it was is kept;
a merge conflict in it is a person's to decide.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

import psutil
import yaml

from culturebench.errors import CultureBenchError

#: The scripts beside this one that are DVC to its locks.
DVC = ("_repro.py", "_index.py", "_purge.py")
#: How often a cut file is looked at again before it counts as cut, and the seconds between.
TRIES, PAUSE = 5, 0.1
#: Where a file that could not be read is kept as it was, below the root.
ASIDE = Path(".dvc/tmp/unreadable")
_HASH = re.compile(r"[0-9a-f]{32}(\.dir)?$")
_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class LockConflict(CultureBenchError):
    """A merge conflict in dvc.lock that nobody has decided."""


def repair(root: Path, *, rebuild: bool = False) -> list[str]:
    """Mend DVC's files under `root` where they cannot be read; one sentence for each that was.

    Whole entries of `dvc.lock` stay. Those that are lost come back from DVC's run cache without running again.
    Waits for a DVC that is writing at this moment. Raises `LockConflict` for a merge conflict, unless the lock is to
    be built again without either side.
    """
    lock = root / "dvc.lock"
    mended: list[str] = []
    if not rebuild and (line := _conflict(lock)):
        raise LockConflict(_CONFLICT_ADVICE.format(line=line))
    if _mended(lock, root / ".dvc/tmp/lock", _lock_is_whole, _keep_whole_stages):
        mended.append(
            f"dvc.lock could not be read; it is kept in {ASIDE}/, and what it lost comes back from the run cache."
        )
    return [*mended, *clear_path_locks(root)]


def clear_path_locks(root: Path) -> list[str]:
    """Remove DVC's locks on paths where they are cut off or of the dead; one sentence if there were any."""
    locks = root / ".dvc/tmp/rwlock"
    if _mended(locks, locks.with_name("rwlock.lock"), _is_of_the_living, Path.unlink):
        return ["Locks on paths that a killed DVC had left are removed."]
    return []


def complaint(root: Path) -> str | None:
    """Why dvc.lock cannot be read, and the way out; None when it can. Nothing is changed."""
    lock = root / "dvc.lock"
    if line := _conflict(lock):
        return _CONFLICT_ADVICE.format(line=line)
    for _ in range(TRIES):
        if not _is_cut(lock, _lock_is_whole):
            return None
        time.sleep(PAUSE)
    return (
        "dvc.lock cannot be read, perhaps because a kill cut it off; it stays as it is. `culturebench repro` keeps it "
        f"in {ASIDE}/, takes what it had recorded from the run cache, and writes it anew"
    )


_CONFLICT_ADVICE = (
    "dvc.lock has a merge conflict (line {line}); it stays as it is. Take one side, `git checkout --ours dvc.lock` or "
    "`git checkout --theirs dvc.lock`, or let `culturebench repro` build it again: that keeps this file in "
    f"{ASIDE}/, takes from the run cache what was computed with the params and code that are here now, runs the rest, "
    "and writes the lock; then `git add dvc.lock`"
)


def _conflict(lock: Path) -> int:
    """The line of the first conflict's mark; 0 without one."""
    if not lock.is_file():
        return 0
    text = lock.read_text(encoding="utf-8", errors="replace")
    found = _CONFLICT.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _mended(path: Path, guard: Path, whole: Callable[[str], bool], mend: Callable[[Path], None]) -> bool:
    for _ in range(TRIES):  # a living DVC may be writing it: it does not wait for those who hold the guard
        if not _is_cut(path, whole):
            return False
        time.sleep(PAUSE)
    with _held(guard):  # whoever was writing has finished now
        if not _is_cut(path, whole):
            return False
        mend(path)
        return True


def _is_cut(path: Path, whole: Callable[[str], bool]) -> bool:
    return path.is_file() and not whole(path.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def _held(guard: Path) -> Generator[None]:
    """The lock that DVC itself holds while it writes."""
    guard.parent.mkdir(parents=True, exist_ok=True)
    with guard.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_of_the_living(text: str) -> bool:
    """Whether it is whole, and empty or with a DVC that is still at work: that one removes the others' locks."""
    try:
        content: Any = json.loads(text)
        holders = [*content.get("write", {}).values(), *chain.from_iterable(content.get("read", {}).values())]
        numbers = {int(holder["pid"]) for holder in holders}
    except (ValueError, TypeError, AttributeError, KeyError):
        return False
    return not numbers or any(map(_is_dvc, numbers))


def _is_dvc(number: int) -> bool:
    """A process that got the number of a dead DVC is none."""
    try:
        words = map(Path, psutil.Process(number).cmdline())
        return any("dvc" in word.parts or word.name in DVC for word in words)
    except psutil.Error:
        return False


def _lock_is_whole(text: str) -> bool:
    """Whether DVC can read it; what is missing counts as a change and does no harm."""
    try:
        content: Any = yaml.load(text, _Loader)
    except yaml.YAMLError:
        return False
    if not isinstance(content, dict) or content.get("schema") != "2.0":
        return False
    stages = content.get("stages", {})
    return isinstance(stages, dict) and all(map(_stage_is_whole, stages.values()))


def _stage_is_whole(stage: Any) -> bool:
    if not isinstance(stage, dict) or not isinstance(stage.get("cmd"), (str, list)):
        return False
    params = stage.get("params", {})
    entries = [stage.get("deps", []), stage.get("outs", [])]
    return (
        isinstance(params, dict)
        and all(isinstance(values, dict) for values in params.values())
        and all(isinstance(part, list) and all(map(_entry_is_whole, part)) for part in entries)
    )


def _entry_is_whole(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("path"), str)
        and bool(_HASH.match(str(entry.get("md5"))))
        and all(isinstance(entry[key], int) for key in ("size", "nfiles") if key in entry)
    )


def _keep_whole_stages(path: Path) -> None:
    """Leave out the last stage, in whose lines the file ends; all of them where that is not enough."""
    _keep_aside(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    starts = [found.start() for found in re.finditer(r"^  \S", text, re.MULTILINE)]
    kept = text[: starts[-1]] if starts else ""
    if len(starts) > 1 and _lock_is_whole(kept):
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_text(kept, encoding="utf-8")
        temporary.replace(path)
    else:
        path.unlink()


def _keep_aside(path: Path) -> None:
    folder = path.parent / ASIDE
    folder.mkdir(parents=True, exist_ok=True)
    names = (folder / (f"{path.name}.{number}" if number else path.name) for number in count())
    shutil.copy2(path, next(name for name in names if not name.exists()))
