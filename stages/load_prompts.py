"""Draw the test prompts, or read a file of captions from outside and refuse it when any line cannot be used.

What the benchmark says as well is no caption from outside: it is dropped and counted. A noun that several regions of a
language share stays, and is counted as one.

Each gets the noun with one of its region's modifiers beside it: what somebody would write who knows of no neurons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import grounded, overlaps, places, prompts as prompt_sets, splits
from culturebench.artifacts._caption import CaptionRow
from culturebench.artifacts.prompts import PromptRow
from culturebench.captions.outside import OutsideError, Place, read_outside
from culturebench.captions.overlap import CAPTIONS, said, stands_in
from culturebench.captions.template import beside, pick
from culturebench.captions.unseen import with_unseen_modifiers
from culturebench.params import choose
from culturebench.params.generate import Generate
from culturebench.params.prompts import TEST_FOLDER, Prompts, PromptSource
from culturebench.params.regions import Regions
from culturebench.stage import Paths, Stage
from culturebench.text_to_image.prompts import COLUMNS, select_prompts, shared_nouns, text_of

SHOWN = 5  # dropped captions that the last line names


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    generate: Generate
    prompts: Prompts
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, prompts: str) -> None:
    """Write one set of prompts, the same for every model and condition."""
    source = choose(params.prompts, prompts)
    known = {code: places.load(inputs["places"] / f"{code}.json") for code in params.regions}
    if source.file == TEST_FOLDER:
        found = kept = _drawn(params, source)
    else:
        found = _from_outside(known, prompts, source.file)
        benchmark = said(grounded.TABLE.load_all(inputs["grounded"], params.regions, CAPTIONS))
        kept = [row for row in found if not stands_in(row, benchmark)]
    prompt_sets.TABLE.save(outputs["prompts"], [_prompted(row, known[row["region"]]) for row in kept])
    dropped = _dropped(found, kept)
    shared = shared_nouns(kept)
    languages = {code: place["language"] for code, place in known.items()}
    told: overlaps.Overlaps = {"given": len(found), "dropped": dropped, "shared": shared, "languages": languages}
    overlaps.save(outputs["overlaps"], told)
    if shared:
        print(f"{prompts}: {len(shared)} nouns are prompts of several regions of one language, and count once each")
    if dropped:
        shown = ", ".join(row["prompt"] for row in dropped[:SHOWN])
        print(f"{prompts}: {len(dropped)} of {len(found)} captions stand in the benchmark and are dropped: {shown}")


def _dropped(found: Sequence[PromptRow], kept: Sequence[PromptRow]) -> list[overlaps.Dropped]:
    stay = {(row["region"], row["prompt_id"]) for row in kept}
    return [
        {"region": row["region"], "prompt": text_of(row, "noun")}
        for row in found
        if (row["region"], row["prompt_id"]) not in stay
    ]


def _prompted(row: PromptRow, place: places.Place) -> PromptRow:
    """The row with what people write who know of no neurons: the noun with one of the region's modifiers."""
    words = place["modifiers"]

    def with_one_of(noun: CaptionRow | None, phrases: list[str]) -> CaptionRow | None:
        return beside(noun, pick(phrases, row["prompt_id"])) if noun and phrases else None

    english = row["noun"] is not None and row["noun"]["language"] == "en"
    own = words["en"] if english else words["local"]
    return {
        **row,
        "prompted": with_one_of(row["noun"], own),
        "prompted_en": with_one_of(row["noun_en"], words["en"]),
    }


def _drawn(params: Params, source: PromptSource) -> list[PromptRow]:
    test = splits.TABLE.load_all(Path(source.file), params.regions, COLUMNS)
    count = source.prompts_per_region or params.generate.prompts_per_region
    found = select_prompts(test, list(params.regions), count)
    return with_unseen_modifiers(found) if source.modifiers else found


def _from_outside(known: Mapping[str, places.Place], name: str, file: str) -> list[PromptRow]:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise OutsideError(
            f"prompts.{name}.file: {file} cannot be read ({error.strerror}); correct params.yaml"
        ) from None
    return read_outside(file, data, {code: _place(code, place) for code, place in known.items()})


def _place(code: str, region: places.Place) -> Place:
    names = {code, region["country"].casefold(), region["judge_label"].casefold()}
    return Place(frozenset(names), frozenset(region["iso"]), region["language"])


STAGE = Stage(
    name="load_prompts",
    run=run,
    identities=("prompts",),
    params=Params,
    inputs={"places": places.DIRECTORY, "grounded": grounded.DIRECTORY},
    outputs={"prompts": prompt_sets.PATH, "overlaps": overlaps.PATH},
)

if __name__ == "__main__":
    STAGE.main()
