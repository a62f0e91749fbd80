"""What the data half has nothing of: regions without a picture, and after which stage; files without a region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from culturebench import funnel
from culturebench.artifacts import annotated, candidates, duplicates, grounded, relevance, screened, splits, unfiled
from culturebench.artifacts._table import ArtifactError
from culturebench.params import load_document
from culturebench.params._base import PARAMS_FILE
from culturebench.sources.unfiled import describe
from culturebench.splitting.counts import Counts, by_reason

_TABLES: tuple[tuple[str, Any, str], ...] = (
    ("collect", candidates, "error"),
    ("screen", screened, "reason"),
    ("relevance", relevance, "reason"),
    ("deduplicate", duplicates, "reason"),
    ("annotate", annotated, "reason"),
    ("caption", grounded, "reason"),
)


def emptied(root: Path, regions: Sequence[str]) -> list[str]:
    """A sentence on files of no region, and for each stage, in their order, that kept no picture of some regions.

    Of a region whose tables are not there yet, or are those of another version, nothing is said.
    """
    found: dict[str, dict[str, Counts]] = defaultdict(dict)
    asked = load_document(root / PARAMS_FILE)["relevance"]
    tables = [one for one in _TABLES if asked or one[1] is not relevance]
    for region in regions:
        first = next(((stage, counts) for stage, counts in _counts(root, region, tables) if not counts["kept"]), None)
        if first:
            found[first[0]][region] = first[1]
    stages = [*(stage for stage, *_ in _TABLES), "split"]
    told = {stage: funnel.emptied(stage, found[stage]) for stage in stages if stage in found}
    return [*_unfiled(root), *(sentence for stage in stages if stage in told for sentence in told[stage])]


def _unfiled(root: Path) -> list[str]:
    """What is to be said of files that are of no region."""
    try:
        rows = unfiled.TABLE.load(root / unfiled.PATH)
    except ArtifactError:
        return []
    return [describe(Path(unfiled.PATH), rows)] if rows else []


def _counts(root: Path, region: str, tables: Sequence[tuple[str, Any, str]]) -> Iterator[tuple[str, Counts]]:
    try:
        for stage, artifact, reason in tables:
            rows = artifact.TABLE.load(root / artifact.PATH.format(region=region), ["status", reason])
            yield stage, by_reason((row["status"], row[reason]) for row in rows)
        yield "split", _of_split(root, region)
    except ArtifactError:
        return


def _of_split(root: Path, region: str) -> Counts:
    unsplit = [row for row in splits.UNSPLIT_TABLE.load(root / splits.UNSPLIT) if row["region"] == region]
    files = [root / folder / f"{region}.parquet" for folder in splits.DIRECTORIES.values()]
    kept = sum(len(splits.TABLE.load(path, ["picture_id"])) for path in files)
    return by_reason((row["status"], row["reason"]) for row in unsplit) | {"kept": kept}
