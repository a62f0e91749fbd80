"""What a kill in the middle of DVC's own writing leaves behind, and how it is put right.

DVC writes `dvc.lock` and `.dvc/tmp/rwlock` in place. A process that is killed meanwhile leaves half a file, and every
later DVC command ends with an error.
"""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
import yaml

#: The scripts beside this one that are DVC to its locks.
DVC = ("_repro.py", "_index.py", "_purge.py")
#: How often a cut file is looked at again before it counts as cut, and the seconds between.
TRIES, PAUSE = 5, 0.1
_HASH = re.compile(r"[0-9a-f]{32}(\.dir)?$")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def repair(root: Path) -> list[str]:
    """Mend DVC's files under `root` where they are cut off; one sentence for each that was.

    Whole entries of `dvc.lock` stay. Those that are lost come back from DVC's run cache without running again.
    Waits for a DVC that is writing at this moment.
    """
    temporary = root / ".dvc/tmp"
    mended: list[str] = []
    if _mended(root / "dvc.lock", temporary / "lock", _lock_is_whole, _keep_whole_stages):
        mended.append("dvc.lock was cut off by a kill; what it lost comes back from the run cache.")
    if _mended(temporary / "rwlock", temporary / "rwlock.lock", _is_of_the_living, Path.unlink):
        mended.append("Locks on paths that a killed DVC had left are removed.")
    return mended


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
    """Leave out the last stage, in whose lines the file ends."""
    text = path.read_text(encoding="utf-8", errors="replace")
    starts = [found.start() for found in re.finditer(r"^  \S", text, re.MULTILINE)]
    kept = text[: starts[-1]] if starts else ""
    if len(starts) > 1 and _lock_is_whole(kept):
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_text(kept, encoding="utf-8")
        temporary.replace(path)
    else:
        path.unlink()
