"""Find near-duplicates across all regions and keep one picture of each group for every region that found it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from culturebench import funnel
from culturebench.artifacts import candidates, duplicates, relevance, screened
from culturebench.artifacts._folder import keep_only
from culturebench.artifacts.duplicates import DuplicateRow
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import each, fitting, in_batches
from culturebench.images.custom_model import Numbers, ask, load_function
from culturebench.images.decode import RGB_BYTES, ROOM, decode, decoded
from culturebench.images.grouping import Copies
from culturebench.images.hashing import DECODED_SIDE, Fingerprint, fingerprint
from culturebench.images.matching import EmbeddingMatcher, HashMatcher, Matcher, find_copies
from culturebench.params.deduplicate import Deduplicate
from culturebench.params.engine import Engine
from culturebench.params.regions import Regions
from culturebench.params.relevance import Relevance
from culturebench.progress import progress
from culturebench.sources.licences import rank
from culturebench.splitting.counts import by_reason
from culturebench.stage import Paths, Stage

BATCH = 32  # pictures
SEEN = ("picture_id", "file_name", "status", "width", "height")


@dataclass(frozen=True)
class Picture:
    """A screened picture without its bytes; `pixels` is its area."""

    picture_id: str
    region: str
    licence: str
    sha256: str
    pixels: int


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    regions: Regions
    deduplicate: Deduplicate
    relevance: Relevance
    engine: Engine


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Group the near-duplicates of all regions by the limits of the `deduplicate` section."""
    regions, limits = list(params.regions), params.deduplicate
    pictures: list[Picture] = []

    def files() -> Iterator[tuple[bytes, int]]:
        for region in regions:
            for picture, image in _kept(params, inputs, region):
                yield image, picture.pixels
                pictures.append(picture)

    batches = in_batches(files(), BATCH)
    done = map_batches(each(_fingerprint), batches, engine=params.engine, label="fingerprints", place="threads")
    prints = [print_ for batch in done for print_ in batch if isinstance(print_, Fingerprint)]
    embeddings = _embeddings(params, inputs, limits.embedding.use) if limits.embedding else None
    copies = _copies(pictures, prints, embeddings, limits)
    keep_only(outputs["duplicates"], regions)
    by_region = defaultdict[str, list[DuplicateRow]](list)
    for row in _rows(pictures, prints, copies):
        by_region[row["region"]].append(row)
    for region in regions:
        duplicates.TABLE.save(outputs["duplicates"] / f"{region}.parquet", by_region[region])
    reasons = {region: [(row["status"], row["reason"]) for row in by_region[region]] for region in regions}
    funnel.say("deduplicate", {region: by_reason(found) for region, found in reasons.items()})


def _fingerprint(file: tuple[bytes, int]) -> Fingerprint:
    data, pixels = file
    with decoded(data, pixels, min_side=DECODED_SIDE) as image:
        return fingerprint(image)


def _embeddings(params: Params, inputs: Paths, use: str) -> Numbers:
    """What the user's own function makes of every picture, (n, d); a model, so one batch after the other."""
    function = load_function(use, "deduplicate.embedding")
    found = (one for region in params.regions for one in _kept(params, inputs, region))
    files = fitting(found, lambda one: RGB_BYTES * one[0].pixels, ROOM.size // 2, BATCH)
    batches = ([decode(image, picture.pixels) for picture, image in batch] for batch in files)
    asked = progress(batches, label="embeddings")
    parts = [ask(function, "deduplicate.embedding", batch, dimensions=2) for batch in asked]
    return np.concatenate(parts) if parts else np.empty((0, 1))


def _kept(params: Params, inputs: Paths, region: str) -> Iterator[tuple[Picture, bytes]]:
    """The screened pictures of a region with their bytes, without those that were found to be irrelevant."""
    told = relevance.TABLE.load(inputs["relevance"] / f"{region}.parquet") if params.relevance.root else []
    irrelevant = {row["picture_id"] for row in told if row["status"] == "dropped"}
    columns = ["picture_id", "region", "file_name", "licence", "sha256", "image"]
    seen = screened.TABLE.load(inputs["screened"] / f"{region}.parquet", SEEN)
    pixels = {
        (row["picture_id"], row["file_name"]): row["width"] * row["height"]
        for row in seen
        if row["status"] == "kept" and row["picture_id"] not in irrelevant
    }
    for row in candidates.TABLE.stream(inputs["candidates"] / f"{region}.parquet", columns):
        size = pixels.get((row["picture_id"], row["file_name"]))
        if size is not None:
            yield Picture(row["picture_id"], row["region"], row["licence"], row["sha256"], size), row["image"] or b""


def _preference(pictures: list[Picture]) -> list[int]:
    """Indices, best keeper first: the best licensed, then the largest, then the smallest id."""

    def key(index: int) -> tuple[int, int, str, int]:
        picture = pictures[index]
        return rank(picture.licence), -picture.pixels, picture.picture_id, index

    return sorted(range(len(pictures)), key=key)


def _copies(
    pictures: list[Picture], prints: list[Fingerprint], embeddings: Numbers | None, limits: Deduplicate
) -> Copies:
    """What stays of the pictures; a region's equal bytes are compared once, by their best copy."""
    best_copy: dict[tuple[str, str], int] = {}
    for index in _preference(pictures):
        best_copy.setdefault((pictures[index].region, pictures[index].sha256), index)
    distinct = list(best_copy.values())
    if not distinct:
        return Copies(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    matchers: list[Matcher] = [HashMatcher([prints[index] for index in distinct], limits)]
    if embeddings is not None and limits.embedding:
        matchers.append(EmbeddingMatcher(embeddings[distinct], limits.embedding.min_similarity))
    regions = np.unique([pictures[index].region for index in distinct], return_inverse=True)[1]
    found = find_copies(matchers, regions)
    place = {key: number for number, key in enumerate(best_copy)}
    places = [place[picture.region, picture.sha256] for picture in pictures]
    return Copies(np.array(distinct)[found.keepers[places]], found.groups[places])


def _rows(pictures: list[Picture], prints: list[Fingerprint], copies: Copies) -> list[DuplicateRow]:
    keepers: list[int] = copies.keepers.tolist()
    groups: list[int] = copies.groups.tolist()
    smallest: dict[int, str] = {}
    for picture, group in zip(pictures, groups, strict=True):
        smallest[group] = min(smallest.get(group, picture.picture_id), picture.picture_id)
    return [
        {
            "picture_id": picture.picture_id,
            "region": picture.region,
            "phash": f"{int(prints[index].views[0]):016x}",
            "group": smallest[groups[index]],
            "status": "kept" if keepers[index] == index else "dropped",
            "reason": "" if keepers[index] == index else "duplicate",
            "keeper": pictures[keepers[index]].picture_id,
        }
        for index, picture in enumerate(pictures)
    ]


STAGE = Stage(
    name="deduplicate",
    run=run,
    params=Params,
    inputs={
        "candidates": candidates.DIRECTORY,
        "screened": screened.DIRECTORY,
        "relevance": relevance.DIRECTORY,
    },
    outputs={"duplicates": duplicates.DIRECTORY},
)

if __name__ == "__main__":
    STAGE.main()
