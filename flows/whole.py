"""Whether the objects of DVC's cache are what their names say, and those that are not leave it.

DVC names an object by the MD5 of its content, makes it read-only, and from then on believes its name. One that a disk,
a copy or a program has changed would come back into `data/` as if nothing were wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

OBJECTS = Path("files/md5")  # below the cache's folder
FOLDER = ".dir"  # how the name of a list of a folder's files ends
_NAME = re.compile(r"[0-9a-f]{30}(\.dir)?")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def drop_damaged(objects: Path, names: Iterable[str], known: set[str]) -> list[str]:
    """Remove from the cache at `objects` what is named and damaged; returns the names of what left it.

    A folder's list brings in the files that it names. Names in `known` are taken for whole; those found whole join it.
    """
    return sorted(set(_dropped(objects, names, known)))


def _dropped(objects: Path, names: Iterable[str], known: set[str]) -> Iterator[str]:
    for name in names:
        path = object_path(objects, name)
        if name not in known and path.is_file():
            if not is_whole(path):
                path.unlink(missing_ok=True)
                yield name
                continue
            known.add(name)
        if name.endswith(FOLDER):
            yield from _dropped(objects, _members(path), known)


def object_path(objects: Path, name: str) -> Path:
    """Where DVC keeps the object."""
    return objects / name[:2] / name[2:]


def is_whole(path: Path) -> bool:
    """Whether the object's content has the MD5 that its path names; what is gone by now is not damaged."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == (path.parent.name + path.name).removesuffix(FOLDER)
    return True


def _members(path: Path) -> Iterator[str]:
    """The files that a folder's whole list names."""
    with suppress(FileNotFoundError):
        yield from (entry["md5"] for entry in json.loads(path.read_bytes()))


def recorded(lock: Path) -> dict[str, str]:
    """Path -> name of the object of every out in a dvc.lock that can be read."""
    return {out["path"]: out["md5"] for stage in entries(lock).values() for out in stage.get("outs", ())}


def entries(lock: Path) -> dict[str, Any]:
    """Stage -> what a dvc.lock that can be read says of it; nothing where there is none."""
    return yaml.load(lock.read_text(encoding="utf-8"), _Loader)["stages"] if lock.is_file() else {}


@dataclass(frozen=True)
class Found:
    """How much was looked at, what was damaged and left the cache, and which outs are not what dvc.lock says."""

    objects: int
    runs: int
    outs: int
    dropped: tuple[str, ...]
    dropped_runs: tuple[str, ...]
    changed: tuple[str, ...]


def look_at_everything(root: Path, cache: Path) -> Found:
    """Read all of the cache, drop what is damaged, and compare the workspace's outs with its dvc.lock."""
    objects = sorted(path for path in (cache / OBJECTS).glob("??/*") if _NAME.fullmatch(path.name))
    runs = sorted(path for path in (cache / "runs").glob("??/*/*") if re.fullmatch("[0-9a-f]{64}", path.name))
    outs = recorded(root / "dvc.lock")
    return Found(
        objects=len(objects),
        runs=len(runs),
        outs=len(outs),
        dropped=tuple(path.parent.name + path.name for path in objects if _drop_unless(path, is_whole)),
        dropped_runs=tuple(path.name for path in runs if _drop_unless(path, _is_whole_run)),
        changed=tuple(
            sorted(name for name, noted in outs.items() if (root / name).exists() and name_of(root / name) != noted)
        ),
    )


def name_of(path: Path) -> str:
    """The name that DVC gives to the content of a file or folder."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = {file.relative_to(path).as_posix(): name_of(file) for file in path.rglob("*") if file.is_file()}
    listed = json.dumps([{"md5": files[name], "relpath": name} for name in sorted(files)], sort_keys=True)
    return hashlib.md5(listed.encode()).hexdigest() + FOLDER


def _drop_unless(path: Path, whole: Callable[[Path], bool]) -> bool:
    if whole(path):
        return False
    path.unlink(missing_ok=True)
    return True


def _is_whole_run(path: Path) -> bool:
    """Whether what DVC noted of a run has the hash that is its name."""
    from dvc.utils import dict_sha256

    try:
        return dict_sha256(yaml.load(path.read_bytes(), _Loader), exclude=["size", "nfiles"]) == path.name
    except FileNotFoundError:
        return True
    except (yaml.YAMLError, TypeError, AttributeError):
        return False
