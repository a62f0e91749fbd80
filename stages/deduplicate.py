"""Find near-duplicates across all regions and keep one picture of each group."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from culturebench.artifacts import candidates, duplicates, screened
from culturebench.artifacts._folder import keep_only
from culturebench.images.decode import decode
from culturebench.images.difference import differences
from culturebench.images.grouping import stars
from culturebench.images.hashing import Fingerprint, fingerprint
from culturebench.images.neighbours import close_pairs
from culturebench.params.deduplicate import Deduplicate
from culturebench.params.regions import Regions
from culturebench.progress import progress
from culturebench.sources.licences import rank
from culturebench.stage import Stage

Row = dict[str, Any]


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path]) -> None:
    """Group the near-duplicates of all regions by the limits of the `deduplicate` section."""
    regions = list(params.regions)
    pictures: list[Row] = []
    prints: list[Fingerprint] = []
    for region in progress(regions, len(regions), "fingerprints"):
        for row in _kept(inputs, region):
            prints.append(fingerprint(decode(row.pop("image"), row["width"] * row["height"])))
            pictures.append(row)
    keeper = _keepers(pictures, prints, params.deduplicate)
    keep_only(outputs["duplicates"], regions)
    by_region = defaultdict[str, list[Row]](list)
    for row in _rows(pictures, prints, keeper):
        by_region[row["region"]].append(row)
    for region in regions:
        duplicates.TABLE.save(outputs["duplicates"] / f"{region}.parquet", by_region[region])


def _kept(inputs: dict[str, Path], region: str) -> list[Row]:
    """The screened pictures of a region with their size, bytes and licence."""
    columns = ["picture_id", "region", "file_name", "licence", "sha256", "image"]
    found = candidates.TABLE.load(inputs["candidates"] / f"{region}.parquet", columns)
    by_key = {(row["picture_id"], row["file_name"]): row for row in found}
    kept = screened.TABLE.load(inputs["screened"] / f"{region}.parquet")
    return [
        by_key[row["picture_id"], row["file_name"]] | {"width": row["width"], "height": row["height"]}
        for row in kept
        if row["status"] == "kept"
    ]


def _preference(pictures: list[Row]) -> list[int]:
    """Indices, best keeper first: the best licensed, then the largest, then the smallest id."""

    def key(index: int) -> tuple[int, int, str, int]:
        row = pictures[index]
        return rank(row["licence"]), -row["width"] * row["height"], row["picture_id"], index

    return sorted(range(len(pictures)), key=key)


def _keepers(pictures: list[Row], prints: list[Fingerprint], limits: Deduplicate) -> dict[int, int]:
    """Index to the index of the picture that stays for it; equal bytes are compared once, by their best copy."""
    order = _preference(pictures)
    best_copy: dict[str, int] = {}
    for index in order:
        best_copy.setdefault(pictures[index]["sha256"], index)
    distinct = list(best_copy.values())
    stays = stars(range(len(distinct)), _alike([prints[index] for index in distinct], limits))
    chosen = {index: distinct[stays[place]] for place, index in enumerate(distinct)}
    return {index: chosen[best_copy[row["sha256"]]] for index, row in enumerate(pictures)}


def _alike(prints: list[Fingerprint], limits: Deduplicate) -> list[tuple[int, int]]:
    if not prints:
        return []
    views = np.stack([print_.views for print_ in prints])
    mirrored = np.array([print_.mirrored for print_ in prints], dtype=np.uint64)
    pairs = close_pairs(views, mirrored, limits.max_hash_distance)
    close = differences(np.stack([print_.thumbnail for print_ in prints]), pairs) <= limits.max_difference
    return list(zip(pairs.first[close].tolist(), pairs.second[close].tolist(), strict=True))


def _rows(pictures: list[Row], prints: list[Fingerprint], keeper: dict[int, int]) -> list[Row]:
    smallest: dict[int, str] = {}
    for index, kept in keeper.items():
        smallest[kept] = min(smallest.get(kept, pictures[index]["picture_id"]), pictures[index]["picture_id"])
    return [
        {
            "picture_id": row["picture_id"],
            "region": row["region"],
            "phash": f"{int(prints[index].views[0]):016x}",
            "group": smallest[keeper[index]],
            "status": "kept" if keeper[index] == index else "dropped",
            "reason": "" if keeper[index] == index else "duplicate",
            "keeper": pictures[keeper[index]]["picture_id"],
        }
        for index, row in enumerate(pictures)
    ]


STAGE = Stage(
    name="deduplicate",
    run=run,
    sections=(Regions, Deduplicate),
    inputs={"candidates": candidates.DIRECTORY, "screened": screened.DIRECTORY},
    outputs={"duplicates": duplicates.DIRECTORY},
)

if __name__ == "__main__":
    STAGE.main()
