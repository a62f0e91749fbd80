"""A release as a source: what others collected, decided and captioned, as they published it."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from culturebench.artifacts.candidates import ReleasedRow
from culturebench.captions.spans import NO_SPAN
from culturebench.params.collect import ReleaseSource
from culturebench.sources.base import About, Found, SourceError

MARK = "croissant.json"  # what tells a release from any other folder
_FILE = re.compile(r"data/[a-z]+/(train|test|detect)-[\w-]+\.parquet")
CAPTIONS = ("cultural", "noun", "neutral", "cultural_en", "noun_en")


class Release:
    """Reads the folder `params.path`."""

    kind = "release"

    def __init__(self, params: ReleaseSource) -> None:
        self._root = Path(params.path)
        if not (self._root / MARK).is_file():
            raise SourceError(f"collect.sources: {params.path!r} is no release: there is no {MARK} in it")

    def find(self, region: str) -> Iterator[Found]:
        """The region's pictures by file; `SourceError` for a file that is missing or not what the release states."""
        for name, sha256 in sorted(self._stated().items()):
            _, folder, file = name.split("/")
            if folder == region:
                yield from self._pictures(name, sha256, file.partition("-")[0])

    def _stated(self) -> dict[str, str]:
        """File -> the sha256 that the release's own description states."""
        try:
            described = json.loads((self._root / MARK).read_bytes())["distribution"]
            found = {one["contentUrl"]: one["sha256"] for one in described if "sha256" in one}
        except (ValueError, KeyError, TypeError):
            raise SourceError(f"collect.sources: {self._root / MARK} does not describe a release") from None
        return {name: sha256 for name, sha256 in found.items() if _FILE.fullmatch(name)}

    def _pictures(self, name: str, sha256: str, split: str) -> Iterator[Found]:
        path = self._root / name
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise SourceError(f"collect.sources: {path} is not the file that {MARK} describes; copy it again")
            with pq.ParquetFile(path) as table:
                for number in range(table.num_row_groups):
                    yield from (_found(row, split) for row in table.read_row_group(number).to_pylist())
        except (pa.ArrowInvalid, OSError, KeyError, TypeError, ValueError) as error:
            raise SourceError(f"collect.sources: {path} cannot be read: {error}") from None

    def removed(self) -> dict[str, str]:
        """What the release took down: sha256 of the bytes, or picture id, and the reason."""
        path = self._root / "REMOVED.csv"
        if not path.is_file():
            return {}
        with path.open(encoding="utf-8", newline="") as file:
            return {row["sha256"]: row["reason"] for row in csv.DictReader(file)}


def _found(row: dict[str, Any], split: str) -> Found:
    """One picture; `ValueError` for an id or a span that no release has."""
    if not re.fullmatch("[0-9a-f]{64}", row["picture_id"]):
        raise ValueError(f"{row['picture_id']!r} is no picture id")
    captions = {name: row[name] for name in CAPTIONS if row.get(name)}
    for caption in captions.values():
        for part in ("noun", "modifier"):
            span = caption[f"{part}_start"], caption[f"{part}_end"]
            if span != NO_SPAN and not 0 <= span[0] < span[1] <= len(caption["text"]):
                raise ValueError(f"the {part} {span} does not lie within {caption['text']!r}")
    released: ReleasedRow = {
        "agreement": row["agreement"],
        "decisions": row["decisions"],
        "subdivision": row["subdivision"],
        "group": row["group"],
        "split": split,
    }
    return Found(
        file_name=row["picture_id"],
        data=row["image"]["bytes"] or None,
        error="" if row["image"]["bytes"] else "missing",
        query=f"release {row['region']}",
        page_url=row["page_url"],
        file_url=row["file_url"],
        author=row["author"],
        licence_text=row["licence_text"] or row["licence"],
        about=About(
            captions=captions,
            category=row.get("category") or "",  # releases before it had a column of its own have none
            subdivision=row["subdivision"],
            released=released,
        ),
        picture_id=row["picture_id"],
    )
