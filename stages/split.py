"""Divide the captioned pictures into train, test and detect, and count what every stage kept and dropped."""

import json
import unicodedata
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.artifacts import annotated, candidates, duplicates, grounded, screened, splits
from culturebench.artifacts._folder import keep_only
from culturebench.params.regions import Regions
from culturebench.params.split import Split
from culturebench.splitting.assign import BRIDGES, Placed, assign
from culturebench.splitting.counts import annotation_counts, by_reason, screening_counts, total
from culturebench.splitting.frozen import read_frozen
from culturebench.stage import Stage

FROZEN = "annotations/splits"
Row = dict[str, Any]
Tables = dict[str, list[Row]]

_TABLES = {
    "candidates": candidates.TABLE,
    "screened": screened.TABLE,
    "duplicates": duplicates.TABLE,
    "annotated": annotated.TABLE,
    "grounded": grounded.TABLE,
}
_ORIGIN = ["picture_id", "file_name", "page_url", "licence", "metadata", "status", "error"]


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path]) -> None:
    """Assign every captioned picture a side by the `split` section, and write the sides with their pictures."""
    regions = list(params.regions)
    tables = {region: _load(inputs, region) for region in regions}
    frozen = read_frozen(inputs["frozen"], regions, splits.SPLITS)
    parts = {side: getattr(params.split, side) for side in ("train", "test", "detect")}
    placed = assign(_group_keys(tables), frozen, parts, params.split.salt, _bound(tables, frozen))
    for side in splits.SPLITS:
        keep_only(outputs[side], regions)
    counts: dict[str, Any] = {}
    left_out: list[Row] = []
    for region in regions:
        rows, bridging = _rows(tables[region], placed), _bridging(tables[region], placed)
        left_out += bridging
        counts[region] = _counts(tables[region], placed, bridging)
        _save(inputs["candidates"] / f"{region}.parquet", rows, placed, outputs, region)
    splits.UNSPLIT_TABLE.save(outputs["unsplit"], left_out)
    document = {"regions": counts, "all": total(counts.values())}
    outputs["counts"].write_text(json.dumps(document, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def _load(inputs: dict[str, Path], region: str) -> Tables:
    """The rows of one region from every stage before, without the pictures' bytes."""
    columns = {"candidates": _ORIGIN}
    return {name: table.load(inputs[name] / f"{region}.parquet", columns.get(name)) for name, table in _TABLES.items()}


def _captioned(tables: Tables) -> list[Row]:
    return [row for row in tables["grounded"] if row["status"] == "kept"]


def _origins(tables: Tables) -> dict[str, Row]:
    """The candidate behind each screened picture, by picture id."""
    by_key = {(row["picture_id"], row["file_name"]): row for row in tables["candidates"]}
    kept = [row for row in tables["screened"] if row["status"] == "kept"]
    return {row["picture_id"]: by_key[row["picture_id"], row["file_name"]] for row in kept}


def _groups(tables: Tables) -> dict[str, str]:
    return {row["picture_id"]: row["group"] for row in tables["duplicates"] if row["status"] == "kept"}


def _group_keys(regions: dict[str, Tables]) -> dict[str, list[str]]:
    """What each captioned picture shares with others: near-duplicates, a source page, a region's noun caption."""
    keys_of: dict[str, list[str]] = {}
    for region, tables in regions.items():
        origins, groups = _origins(tables), _groups(tables)
        for row in _captioned(tables):
            picture = row["picture_id"]
            page = origins[picture]["page_url"]
            noun = f"noun:{region}:{_normalised(row['noun']['text'])}"
            keys_of[picture] = [f"group:{groups[picture]}", noun, *([f"page:{page}"] if page else [])]
    return keys_of


def _bound(regions: dict[str, Tables], frozen: dict[str, str]) -> list[tuple[str, str]]:
    """Duplicate groups whose frozen picture is itself gone: a better copy became the keeper."""
    every = [row for tables in regions.values() for row in tables["duplicates"]]
    return [(f"group:{row['group']}", frozen[row["picture_id"]]) for row in every if row["picture_id"] in frozen]


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _rows(tables: Tables, placed: dict[str, Placed]) -> list[Row]:
    """The rows of all three sides, still without their bytes but with the key of their candidate."""
    origins = _origins(tables)
    verdicts = {row["picture_id"]: row for row in tables["annotated"]}
    rows: list[Row] = []
    for row in _captioned(tables):
        picture = row["picture_id"]
        if placed[picture].side:
            kept = {name: row[name] for name in splits.TABLE.schema.names if name in row}
            kept |= {name: origins[picture][name] for name in ("file_name", "licence", "metadata")}
            kept |= {"subdivision": row["subdivision"], "provisional": verdicts[picture]["provisional"]}
            rows.append(kept | {"group": placed[picture].group})
    return rows


def _save(path: Path, rows: list[Row], placed: dict[str, Placed], outputs: dict[str, Path], region: str) -> None:
    """Write the three sides of a region with the pictures' bytes."""
    found = candidates.TABLE.load(path, ["picture_id", "file_name", "image"])
    images = {(row["picture_id"], row["file_name"]): row["image"] for row in found}
    for row in rows:
        row["image"] = images[row["picture_id"], row.pop("file_name")]
    for side in splits.SPLITS:
        chosen = [row for row in rows if placed[row["picture_id"]].side == side]
        splits.TABLE.save(outputs[side] / f"{region}.parquet", chosen)


def _bridging(tables: Tables, placed: dict[str, Placed]) -> list[Row]:
    return [
        {"picture_id": row["picture_id"], "region": row["region"], "status": "dropped", "reason": BRIDGES}
        for row in _captioned(tables)
        if not placed[row["picture_id"]].side
    ]


def _counts(tables: Tables, placed: dict[str, Placed], bridging: list[Row]) -> dict[str, Any]:
    sides = Counter(placed[row["picture_id"]].side for row in _captioned(tables))
    split = by_reason(bridging) | {side: sides[side] for side in splits.SPLITS}
    return {
        "collect": by_reason(tables["candidates"]),
        "screen": screening_counts(tables["screened"]),
        "deduplicate": by_reason(tables["duplicates"]),
        "annotate": annotation_counts(tables["annotated"]),
        "caption": by_reason(tables["grounded"]),
        "split": split | {"kept": sum(sides[side] for side in splits.SPLITS)},
    }


STAGE = Stage(
    name="split",
    run=run,
    sections=(Regions, Split),
    inputs={
        "candidates": candidates.DIRECTORY,
        "screened": screened.DIRECTORY,
        "duplicates": duplicates.DIRECTORY,
        "annotated": annotated.DIRECTORY,
        "grounded": grounded.DIRECTORY,
        "frozen": FROZEN,
    },
    outputs={
        "detect": splits.DETECT,
        "train": splits.TRAIN,
        "test": splits.TEST,
        "unsplit": splits.UNSPLIT,
        "counts": splits.COUNTS,
    },
)

if __name__ == "__main__":
    STAGE.main()
