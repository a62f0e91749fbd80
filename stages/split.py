"""Divide the captioned pictures into train, test and detect, and count what every stage kept and dropped."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from culturebench import funnel
from culturebench.artifacts import (
    annotated,
    candidates,
    duplicates,
    examples,
    grounded,
    relevance,
    screened,
    splits,
    unfiled,
)
from culturebench.artifacts._caption import CaptionRow
from culturebench.artifacts._folder import keep_only
from culturebench.artifacts.annotated import AnnotatedRow
from culturebench.artifacts.candidates import CandidateRow
from culturebench.artifacts.duplicates import DuplicateRow
from culturebench.artifacts.examples import ExampleRow
from culturebench.artifacts.grounded import CaptionedRow
from culturebench.artifacts.relevance import RelevanceRow
from culturebench.artifacts.screened import ScreenedRow
from culturebench.artifacts.splits import SplitRow, UnsplitRow
from culturebench.params.regions import Regions
from culturebench.params.relevance import Relevance
from culturebench.params.split import Split
from culturebench.splitting.assign import BRIDGES, Placed, assign
from culturebench.splitting.counts import (
    Counts,
    annotation_counts,
    by_reason,
    caption_counts,
    group_counts,
    relevance_counts,
    screening_counts,
    total,
)
from culturebench.splitting.examples import example_of
from culturebench.splitting.frozen import read_frozen
from culturebench.splitting.several import SEVERAL, Claim, several_regions
from culturebench.spool import Spool
from culturebench.stage import Paths, Stage

FROZEN = "annotations/splits"
_ORIGIN = ["picture_id", "file_name", "author", "page_url", "licence", "scene", "released", "status", "error"]


@dataclass(frozen=True)
class Tables:
    """The rows of one region from every stage before, without the pictures' bytes.

    `relevance` is None where nobody asked for it; `several` are the picture ids that other regions keep as well.
    """

    candidates: list[CandidateRow]
    screened: list[ScreenedRow]
    relevance: list[RelevanceRow] | None
    duplicates: list[DuplicateRow]
    annotated: list[AnnotatedRow]
    grounded: list[CaptionedRow]
    several: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Shared:
    """What has to be known of every region before a picture of any gets a side; the dictionaries are by picture id."""

    claims: list[Claim]
    keys: dict[str, list[str]]  # of its captioned pictures
    published: dict[str, str]  # the side on which a release has it
    groups: dict[str, str]  # of near-duplicates


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    regions: Regions
    relevance: Relevance
    split: Split


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Assign every captioned picture a side by the `split` section, and write the sides with their pictures."""
    regions = list(params.regions)
    told = {region: _shared(_load(params, inputs, region), region) for region in regions}
    several = several_regions([claim for one in told.values() for claim in one.claims])
    published = {picture: side for one in told.values() for picture, side in one.published.items()}
    frozen = published | read_frozen(inputs["frozen"], regions, splits.SPLITS)
    parts = {"train": params.split.train, "test": params.split.test, "detect": params.split.detect}
    # Duplicate groups whose frozen picture is itself gone: a better copy became the keeper.
    groups_of = [item for one in told.values() for item in one.groups.items()]
    bound = [(f"group:{group}", frozen[picture]) for picture, group in groups_of if picture in frozen]
    placed = assign(_group_keys(told, several), frozen, parts, params.split.salt, bound)
    for side in splits.SPLITS:
        keep_only(outputs[side], regions)
    counts: dict[str, Counts] = {}
    left_out: list[UnsplitRow] = []
    shown: list[ExampleRow] = []
    groups: dict[str, Counts] = {}
    for region in regions:  # loaded anew: the rows of all regions at once may be more than the memory holds
        tables = replace(
            _load(params, inputs, region), several=frozenset(one for code, one in several if code == region)
        )
        unsplit = [*_several(tables), *_bridging(tables, placed)]
        left_out += unsplit
        counts[region] = _counts(tables, placed, unsplit)
        shown += _save(tables, placed, inputs["candidates"] / f"{region}.parquet", outputs, region)
        groups[region] = _groups_of(tables, placed)
    splits.UNSPLIT_TABLE.save(outputs["unsplit"], left_out)
    examples.TABLE.save(outputs["examples"], shown)
    document = {"regions": counts, "all": _with_unfiled(total(counts.values()), inputs), "groups": groups}
    outputs["counts"].write_text(json.dumps(document, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    funnel.say("split", {region: counts[region]["split"] for region in regions})


def _with_unfiled(counts: Counts, inputs: Paths) -> Counts:
    """The counts of all regions with the files that are of none."""
    rows = unfiled.TABLE.load(inputs["unfiled"], ["status", "reason"])
    outside = by_reason((row["status"], row["reason"]) for row in rows)
    return counts | {"collect": total([counts["collect"], outside])}


def _load(params: Params, inputs: Paths, region: str) -> Tables:
    name = f"{region}.parquet"
    return Tables(
        candidates.TABLE.load(inputs["candidates"] / name, _ORIGIN),
        screened.TABLE.load(inputs["screened"] / name),
        relevance.TABLE.load(inputs["relevance"] / name) if params.relevance.root else None,
        duplicates.TABLE.load(inputs["duplicates"] / name),
        annotated.TABLE.load(inputs["annotated"] / name),
        grounded.TABLE.load(inputs["grounded"] / name),
    )


def _shared(tables: Tables, region: str) -> Shared:
    groups = _groups(tables)
    kept = [row for row in tables.annotated if row["status"] == "kept"]
    return Shared(
        claims=[Claim(region, row["picture_id"], groups[row["picture_id"]], row["provisional"]) for row in kept],
        keys=_keys(tables),
        published={row["picture_id"]: row["released"]["split"] for row in tables.candidates if row["released"]},
        groups={row["picture_id"]: row["group"] for row in tables.duplicates},
    )


def _captioned(tables: Tables) -> Iterator[tuple[CaptionedRow, CaptionRow, CaptionRow]]:
    """The region's own kept rows with their cultural and their noun caption, without which a row waits."""
    for row in tables.grounded:
        cultural, noun = row["cultural"], row["noun"]
        if row["status"] == "kept" and row["picture_id"] not in tables.several and cultural and noun:
            yield row, cultural, noun


def _origins(tables: Tables) -> dict[str, CandidateRow]:
    """The candidate behind each screened picture, by picture id."""
    by_key = {(row["picture_id"], row["file_name"]): row for row in tables.candidates}
    kept = [row for row in tables.screened if row["status"] == "kept"]
    return {row["picture_id"]: by_key[row["picture_id"], row["file_name"]] for row in kept}


def _groups(tables: Tables) -> dict[str, str]:
    return {row["picture_id"]: row["group"] for row in tables.duplicates if row["status"] == "kept"}


def _keys(tables: Tables) -> dict[str, list[str]]:
    """What each captioned picture shares with others: near-duplicates, a source page, a noun caption of a language."""
    origins, groups = _origins(tables), _groups(tables)
    keys: dict[str, list[str]] = {}
    for row, _, caption in _captioned(tables):
        picture = row["picture_id"]
        page, released = origins[picture]["page_url"], origins[picture]["released"]
        noun = f"noun:{caption['language']}:{_normalised(caption['text'])}"
        keys[picture] = [f"group:{groups[picture]}", noun, *([f"page:{page}"] if page else [])]
        keys[picture] += [f"released:{released['group']}"] if released else []
    return keys


def _group_keys(regions: dict[str, Shared], several: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    """The keys of all pictures that belong to one region."""
    every = ((region, picture, keys) for region, told in regions.items() for picture, keys in told.keys.items())
    return {picture: keys for region, picture, keys in every if (region, picture) not in several}


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _rows(tables: Tables, placed: dict[str, Placed]) -> Iterator[SplitRow]:
    """The rows of all three sides, without the pictures' bytes."""
    origins = _origins(tables)
    verdicts = {row["picture_id"]: row for row in tables.annotated}
    for row, cultural, noun in _captioned(tables):
        picture = row["picture_id"]
        origin = origins[picture]
        if not placed[picture].side:
            continue
        yield {
            "picture_id": picture,
            "region": row["region"],
            "language": row["language"],
            "subdivision": row["subdivision"],
            "group": placed[picture].group,
            "provisional": verdicts[picture]["provisional"],
            "cultural": cultural,
            "noun": noun,
            "neutral": row["neutral"],
            "cultural_en": row["cultural_en"],
            "noun_en": row["noun_en"],
            "licence": origin["licence"],
            "scene": origin["scene"],
            "image": b"",
        }


def _save(tables: Tables, placed: dict[str, Placed], path: Path, outputs: Paths, region: str) -> list[ExampleRow]:
    """Write the three sides of a region; returns the picture that stands for it, none without a train side."""
    rows, origins = list(_rows(tables, placed)), _origins(tables)
    files = {(row["picture_id"], origins[row["picture_id"]]["file_name"]) for row in rows}
    with Spool(outputs["unsplit"].parent) as images:
        for found in candidates.TABLE.stream(path, ["picture_id", "file_name", "image"]):
            if (found["picture_id"], found["file_name"]) in files:
                images.put(found["picture_id"], found["image"] or b"")

        def whole(row: SplitRow) -> SplitRow:
            return {**row, "image": images.get(row["picture_id"]) or b""}

        for side in splits.SPLITS:
            chosen = [row for row in rows if placed[row["picture_id"]].side == side]
            splits.TABLE.save(outputs[side] / f"{region}.parquet", chosen, whole)
        example = example_of(row for row in rows if placed[row["picture_id"]].side == "train")
        return [_example(whole(example), origins[example["picture_id"]])] if example else []


def _example(row: SplitRow, origin: CandidateRow) -> ExampleRow:
    return {
        "picture_id": row["picture_id"],
        "region": row["region"],
        "provisional": row["provisional"],
        "cultural": row["cultural"],
        "noun": row["noun"],
        "cultural_en": row["cultural_en"],
        "noun_en": row["noun_en"],
        "author": origin["author"],
        "licence": row["licence"],
        "page_url": origin["page_url"],
        "image": row["image"],
    }


def _several(tables: Tables) -> list[UnsplitRow]:
    return [
        {"picture_id": row["picture_id"], "region": row["region"], "status": "dropped", "reason": SEVERAL}
        for row in tables.grounded
        if row["status"] == "kept" and row["picture_id"] in tables.several
    ]


def _bridging(tables: Tables, placed: dict[str, Placed]) -> list[UnsplitRow]:
    return [
        {"picture_id": row["picture_id"], "region": row["region"], "status": "dropped", "reason": BRIDGES}
        for row, *_ in _captioned(tables)
        if not placed[row["picture_id"]].side
    ]


def _counts(tables: Tables, placed: dict[str, Placed], unsplit: list[UnsplitRow]) -> Counts:
    sides = Counter(placed[row["picture_id"]].side for row, *_ in _captioned(tables))
    split = by_reason((row["status"], row["reason"]) for row in unsplit) | {side: sides[side] for side in splits.SPLITS}
    return {
        "collect": by_reason((row["status"], row["error"]) for row in tables.candidates),
        "screen": screening_counts(tables.screened),
        **({} if tables.relevance is None else {"relevance": relevance_counts(tables.relevance)}),
        "deduplicate": by_reason((row["status"], row["reason"]) for row in tables.duplicates),
        "annotate": annotation_counts(tables.annotated),
        "caption": caption_counts(tables.grounded),
        "split": split | {"kept": sum(sides[side] for side in splits.SPLITS)},
    }


def _groups_of(tables: Tables, placed: dict[str, Placed]) -> Counts:
    categories = {row["picture_id"]: row["category"] for row in tables.annotated}
    captioned = [(row["subdivision"], row["picture_id"]) for row, *_ in _captioned(tables)]
    return group_counts((part, categories[name], placed[name].side) for part, name in captioned if placed[name].side)


STAGE = Stage(
    name="split",
    run=run,
    params=Params,
    inputs={
        "candidates": candidates.DIRECTORY,
        "screened": screened.DIRECTORY,
        "relevance": relevance.DIRECTORY,
        "duplicates": duplicates.DIRECTORY,
        "annotated": annotated.DIRECTORY,
        "grounded": grounded.DIRECTORY,
        "frozen": FROZEN,
        "unfiled": unfiled.PATH,
    },
    outputs={
        "detect": splits.DETECT,
        "train": splits.TRAIN,
        "test": splits.TEST,
        "unsplit": splits.UNSPLIT,
        "examples": examples.PATH,
        "counts": splits.COUNTS,
    },
)

if __name__ == "__main__":
    STAGE.main()
