"""Makes the folder of a release, whole or not at all, and freezes what it assigned."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culturebench.annotation.removed import read_removed
from culturebench.artifacts import splits
from culturebench.errors import plain
from culturebench.params.release import Release
from culturebench.progress import progress
from culturebench.regions.model import Region, load_whole_region
from culturebench.release import card
from culturebench.release.contents import REMOVED, Part, ReleaseError, parts
from culturebench.release.counts import RegionCounts, gaps, total
from culturebench.release.croissant import MEANING, croissant
from culturebench.release.examples import add_example, in_order
from culturebench.release.freeze import freeze
from culturebench.release.licences import licence_url
from culturebench.release.shards import MEGABYTE, Shard, write_shards
from culturebench.splitting.frozen import read_frozen

MARK = "croissant.json"  # what tells a release from any other folder
FROZEN = Path("annotations/splits")
_ORIGIN = ("author", "licence", "licence_url", "licence_text", "page_url", "file_url", "sha256")
ATTRIBUTION = ("picture_id", "region", "split", *_ORIGIN)
STAGES = ("collect", "screen", "relevance", "deduplicate", "annotate", "caption", "split")


@dataclass(frozen=True)
class Released:
    """What a release holds, and how many assignments it froze for the first time."""

    folder: Path
    pictures: int
    files: int
    provisional: int
    frozen: int


def release(root: Path, folder: Path, version: str, settings: Release, regions: Sequence[str]) -> Released:
    """Write the pictures of `regions` to `folder`, replacing an earlier release there, and freeze their splits.

    Raises `ReleaseError` before anything is replaced or frozen.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ReleaseError(f"version {version!r}: three numbers are needed, such as 1.0.0")
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file())):
        raise ReleaseError(f"{folder} is there and is no release; name another folder")
    read_frozen(root / FROZEN, regions, splits.SPLITS)  # a mistake in these files is told before any work
    files = {code: load_whole_region(root, code) for code in regions}
    counts = {code: RegionCounts(code, file.country, file.language) for code, file in files.items()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        new.mkdir()
        examples: dict[str, dict[str, Any]] = {}
        shards, placed = _write_pictures(root, new, settings, counts, examples)
        _write_words(root, new, version, settings, list(counts.values()), files, shards, examples)
        _put(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    frozen = sum(freeze(root / FROZEN / f"{code}.csv", sides) for code, sides in placed.items())
    provisional = sum(region.provisional for region in counts.values())
    return Released(folder, sum(map(len, placed.values())), len(shards), provisional, frozen)


def _write_pictures(
    root: Path,
    new: Path,
    settings: Release,
    counts: Mapping[str, RegionCounts],
    examples: dict[str, dict[str, Any]],
) -> tuple[list[Shard], dict[str, dict[str, str]]]:
    """The shards with their attribution, and the examples; the files' records, and region -> picture id -> split."""
    shards: list[Shard] = []
    placed: dict[str, dict[str, str]] = {code: {} for code in counts}
    rows: list[Sequence[str]] = []
    expected = len(counts) * len(splits.SPLITS)
    for part in progress(parts(root, list(counts)), expected, "release"):
        region = counts[part.region]
        region.add(part)
        shards += write_shards(new, part, region.country, settings.shard_megabytes * MEGABYTE)
        placed[part.region] |= {row["picture_id"]: part.split for row in part.rows}
        rows += _attribution(part)
        add_example(examples, new, part)
    if not shards:
        raise ReleaseError("there is no picture to release: all are provisional, or none has a side yet")
    write_csv(new / "ATTRIBUTION.csv", ATTRIBUTION, rows)
    return shards, placed


def _attribution(part: Part) -> Iterable[Sequence[str]]:
    for row in part.rows:
        said: dict[str, Any] = {**row, "split": part.split, "licence_url": licence_url(row["licence"])}
        yield [said[name] for name in ATTRIBUTION]


def _write_words(
    root: Path,
    new: Path,
    version: str,
    settings: Release,
    counts: list[RegionCounts],
    files: Mapping[str, Region],
    shards: list[Shard],
    examples: dict[str, dict[str, Any]],
) -> None:
    removed = read_removed(root / REMOVED)
    write_csv(new / "REMOVED.csv", ("sha256", "reason"), sorted(removed.items()))
    document: dict[str, Any] = json.loads((root / splits.COUNTS).read_text(encoding="utf-8"))["all"]
    values: dict[str, Any] = {
        "name": settings.name,
        "version": version,
        "front": card.front_matter(settings.name, counts, shards),
        "regions": counts,
        "splits": card.SPLITS,
        "by_split": dict.fromkeys(card.SPLITS, 0) | total(counts, "splits"),
        "pictures": sum(region.pictures for region in counts),
        "licences": total(counts, "licences"),
        "sources": total(counts, "sources"),
        "captions_by": total(counts, "captions_by"),
        "meanings": MEANING,
        "removed": len(removed),
        "examples": in_order(examples, files),
        "countries": {code: file.country for code, file in files.items()},
        "stages": {stage: _left(document[stage]) for stage in STAGES if stage in document},
        "gaps": list(
            gaps(
                counts,
                {code: file.subdivisions for code, file in files.items()},
                [code for code, file in files.items() if not file.validated_by],
            )
        ),
    }
    for name in ("README.md", "DATASHEET.md"):
        (new / name).write_text(card.render(f"{name}.j2", values), encoding="utf-8")
    description = (
        f"Pictures of {len(counts)} regions' cultures with captions that carry a culture-style modifier and captions "
        "that do not, in the regions' languages and in English."
    )
    licences = [licence_url(name) or name for name in total(counts, "licences")]
    machine = croissant(settings.name, version, settings.url, description, sorted(licences), shards)
    (new / MARK).write_text(json.dumps(machine, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def _left(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {"kept": counts["kept"], "left": {**counts.get("dropped", {}), **counts.get("waiting", {})}}


#: What makes a spreadsheet take a cell for a formula; authors and titles are written by strangers.
FORMULA = ("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")


def _cell(text: str) -> str:
    """The text as a spreadsheet shows it and does not compute it: after an apostrophe where it would."""
    text = plain(text)  # a bare carriage return would end the row
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table whose cells are text to every program that opens it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(text) for text in row] for row in rows)


def _put(new: Path, folder: Path) -> None:
    """`new` in the place of `folder`: the earlier release is gone only when the new one stands."""
    old = folder.with_name(f"{new.name}.old")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
