"""A takedown: what is known of the picture, the line that keeps it away, and what the project itself keeps of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from culturebench.annotation.removed import read_removed
from culturebench.artifacts import candidates, duplicates, study_tasks
from culturebench.errors import CultureBenchError
from culturebench.sources.snapshot import file_key
from culturebench.store import Store
from culturebench.takedown.holders import files_with

REMOVED = Path("annotations/removed.jsonl")
#: Folders that only stages and DVC write to; what is missing there comes back by `dvc repro`.
MADE = ("data", "models", "reports", ".dvc/tmp")
#: Not searched: what Git keeps is Git's, and the packages are nobody's pictures.
_SKIPPED = (".git", ".venv")


class TakedownError(CultureBenchError):
    """A takedown that cannot be recorded."""


@dataclass(frozen=True)
class Known:
    """What the tables say: `pictures` maps picture id to the sha256 of its bytes.

    `alike` are near-duplicates, other files of the same picture, by picture id in the same way.
    """

    pictures: Mapping[str, str]
    alike: Mapping[str, str]


def identify(root: Path, key: str) -> Known:
    """What `key`, a sha256 of bytes or a picture id, stands for; itself when no table knows it."""
    sha256s: dict[str, str] = {}
    pictures: dict[str, str] = {}
    for path in sorted((root / candidates.DIRECTORY).glob("*.parquet")):
        for row in candidates.TABLE.load(path, ["picture_id", "sha256"]):
            sha256s[row["picture_id"]] = row["sha256"]
            if row["sha256"] and key in (row["picture_id"], row["sha256"]):
                pictures[row["picture_id"]] = row["sha256"]
    groups: dict[str, str] = {}
    for path in sorted((root / duplicates.DIRECTORY).glob("*.parquet")):
        groups |= {row["picture_id"]: row["group"] for row in duplicates.TABLE.load(path, ["picture_id", "group"])}
    own = {groups[picture] for picture in pictures if picture in groups}
    alike = {picture: sha256s.get(picture, "") for picture, group in sorted(groups.items()) if group in own}
    return Known(pictures or {key: key}, {name: sha256 for name, sha256 in alike.items() if name not in pictures})


def record(root: Path, key: str, reason: str) -> bool:
    """Add a line to `annotations/removed.jsonl`; False when the picture is there already, for whatever reason."""
    if not re.fullmatch("[0-9a-f]{64}", key):
        raise TakedownError(f"{key!r} is no sha256: 64 hex digits are needed, as in ATTRIBUTION.csv of a release")
    if not reason.strip():
        raise TakedownError("a takedown needs a reason, for those who wonder later where the picture is")
    path = root / REMOVED
    if key in read_removed(path):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    line = json.dumps({"reason": reason.strip(), "sha256": key}, sort_keys=True, ensure_ascii=False)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n", encoding="utf-8")
    temporary.replace(path)
    return True


@dataclass(frozen=True)
class Held:
    """Files with the picture: made by stages, objects of DVC's cache, and others that a person must judge."""

    made: list[Path]
    cached: list[Path]
    others: list[Path]


def search(root: Path, cache: Path, sha256s: Collection[str]) -> Held:
    """Every file of the project and of DVC's cache that holds one of the pictures."""
    cache, base = cache.resolve(), root.resolve()
    skip = {base / name for name in _SKIPPED}
    found = files_with(sha256s, [base, *([] if cache.is_relative_to(base) else [cache])], skip)
    cached = [path for path in found if path.is_relative_to(cache)]
    made = [path for path in found if any(path.is_relative_to(base / name) for name in MADE) and path not in cached]
    return Held(made, cached, [path for path in found if path not in cached and path not in made])


def shown_in_study(root: Path, pictures: Collection[str]) -> dict[str, str]:
    """Task id -> sha256 of what is shown, of the study's tasks with a copy of one of these picture ids."""
    if not (path := root / study_tasks.PATH).exists():
        return {}
    rows = study_tasks.TABLE.load(path, ("task_id", "real", "picture"))
    return {row["task_id"]: row["picture"] for row in rows if {*row["real"]} & {*pictures}}


def delete_cached(store: Store, sha256s: Collection[str]) -> int:
    """Delete what collection kept of the pictures outside of the project; returns how many were there."""
    return sum(store.delete(file_key(sha256)) for sha256 in sorted(sha256s))
