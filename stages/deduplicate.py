"""Find near-duplicates across all regions and keep one picture of each group."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from culturebench.artifacts import candidates, duplicates, screened
from culturebench.artifacts._folder import keep_only
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import each, in_batches
from culturebench.images.custom_model import Numbers, ask, load_function
from culturebench.images.decode import decode
from culturebench.images.hashing import DECODED_SIDE, Fingerprint, fingerprint
from culturebench.images.matching import EmbeddingMatcher, HashMatcher, Matcher, find_keepers
from culturebench.params.deduplicate import Deduplicate
from culturebench.params.engine import Engine
from culturebench.params.regions import Regions
from culturebench.progress import progress
from culturebench.sources.licences import rank
from culturebench.stage import Stage

BATCH = 32  # pictures
Row = dict[str, Any]


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path]) -> None:
    """Group the near-duplicates of all regions by the limits of the `deduplicate` section."""
    regions, limits = list(params.regions), params.deduplicate
    pictures: list[Row] = []

    def files() -> Iterator[tuple[bytes, int]]:
        for region in regions:
            for row in _kept(inputs, region):
                yield row.pop("image"), row["width"] * row["height"]
                pictures.append(row)

    batches = in_batches(files(), BATCH)
    done = map_batches(each(_fingerprint), batches, engine=params.engine, label="fingerprints", place="threads")
    prints = [print_ for batch in done for print_ in batch if isinstance(print_, Fingerprint)]
    embeddings = _embeddings(inputs, regions, limits.embedding.use) if limits.embedding else None
    keeper = _keepers(pictures, prints, embeddings, limits)
    keep_only(outputs["duplicates"], regions)
    by_region = defaultdict[str, list[Row]](list)
    for row in _rows(pictures, prints, keeper):
        by_region[row["region"]].append(row)
    for region in regions:
        duplicates.TABLE.save(outputs["duplicates"] / f"{region}.parquet", by_region[region])


def _fingerprint(file: tuple[bytes, int]) -> Fingerprint:
    data, pixels = file
    return fingerprint(decode(data, pixels, min_side=DECODED_SIDE))


def _embeddings(inputs: dict[str, Path], regions: list[str], use: str) -> Numbers:
    """What the user's own function makes of every picture, (n, d); a model, so one batch after the other."""
    function = load_function(use, "deduplicate.embedding")
    rows = (row for region in regions for row in _kept(inputs, region))
    images = (decode(row["image"], row["width"] * row["height"]) for row in rows)
    batches = progress(in_batches(images, BATCH), label="embeddings")
    parts = [ask(function, "deduplicate.embedding", batch, dimensions=2) for batch in batches]
    return np.concatenate(parts) if parts else np.empty((0, 1))


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


def _keepers(
    pictures: list[Row], prints: list[Fingerprint], embeddings: Numbers | None, limits: Deduplicate
) -> list[int]:
    """The index of the picture that stays for each; equal bytes are compared once, by their best copy."""
    best_copy: dict[str, int] = {}
    for index in _preference(pictures):
        best_copy.setdefault(pictures[index]["sha256"], index)
    distinct = list(best_copy.values())
    if not distinct:
        return []
    matchers: list[Matcher] = [
        HashMatcher([prints[index] for index in distinct], limits.max_hash_distance, limits.max_difference)
    ]
    if embeddings is not None and limits.embedding:
        matchers.append(EmbeddingMatcher(embeddings[distinct], limits.embedding.min_similarity))
    chosen = {
        index: distinct[place] for index, place in zip(distinct, find_keepers(matchers, len(distinct)), strict=True)
    }
    return [chosen[best_copy[row["sha256"]]] for row in pictures]


def _rows(pictures: list[Row], prints: list[Fingerprint], keeper: list[int]) -> list[Row]:
    smallest: dict[int, str] = {}
    for index, kept in enumerate(keeper):
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
    sections=(Regions, Deduplicate, Engine),
    inputs={"candidates": candidates.DIRECTORY, "screened": screened.DIRECTORY},
    outputs={"duplicates": duplicates.DIRECTORY},
)

if __name__ == "__main__":
    STAGE.main()
