"""Apply the experts' decisions to the unique pictures of one region."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from culturebench import funnel
from culturebench.annotation.agreement import agreement
from culturebench.annotation.consensus import UNDECIDED, Verdict, at_least, category_of, majority, weighed
from culturebench.annotation.dawid_skene import keep_probabilities
from culturebench.annotation.decisions import Decision, read_decisions
from culturebench.annotation.gold import read_gold
from culturebench.artifacts import agreement as agreed, annotated, candidates, duplicates
from culturebench.artifacts.annotated import AnnotatedRow
from culturebench.params import RegionPart
from culturebench.params._region import Key, Subdivision
from culturebench.params.annotate import Annotate
from culturebench.splitting.counts import annotation_counts
from culturebench.stage import Paths, Stage

DECISIONS = "annotations/decisions/{region}.jsonl"
GOLD = "annotations/gold/{region}.jsonl"


class Subdivided(RegionPart):
    """The keys of the region file by which decisions are checked."""

    subdivisions: dict[Key, Subdivision]


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    annotate: Annotate
    region: Subdivided


def run(params: Params, inputs: Paths, outputs: Paths, *, region: str) -> None:
    """Give every unique picture of one region its verdict by the `annotate` section."""
    decisions = read_decisions(inputs["decisions"], params.region.subdivisions)
    pictures = [row for row in duplicates.TABLE.load(inputs["duplicates"]) if row["status"] == "kept"]
    verdicts = _verdicts(decisions, [row["picture_id"] for row in pictures], params.annotate)
    verdicts |= _published(inputs["candidates"], verdicts)
    found = candidates.TABLE.load(inputs["candidates"], ["picture_id", "category"])
    searched = {row["picture_id"]: row["category"] for row in found}
    rows = [
        _row(name, region, verdict, category_of(decisions.get(name, [])) or searched.get(name, ""), params.annotate)
        for name, verdict in verdicts.items()
    ]
    if absent := len(decisions.keys() - verdicts.keys()):
        print(f"{region}: decisions on {absent} pictures that did not get here were ignored", file=sys.stderr)
    annotated.TABLE.save(outputs["annotated"], rows)
    agreed.save(outputs["agreement"], agreement(decisions, read_gold(inputs["gold"])))
    funnel.say("annotate", {region: annotation_counts(rows)})


def _verdicts(decisions: dict[str, list[Decision]], pictures: list[str], settings: Annotate) -> dict[str, Verdict]:
    min_decisions = settings.min_decisions
    if settings.consensus == "majority":
        found = {name: majority(decisions.get(name, []), min_decisions) for name in pictures}
    else:
        keep = keep_probabilities(decisions)
        found = {name: weighed(decisions.get(name, []), min_decisions, keep.get(name, 0.5)) for name in pictures}
    return {name: at_least(verdict, settings.min_agreement) for name, verdict in found.items()}


def _published(path: Path, verdicts: dict[str, Verdict]) -> dict[str, Verdict]:
    """What a release says of pictures on which nobody here has decided anything."""
    found: dict[str, Verdict] = {}
    for row in candidates.TABLE.load(path, ["picture_id", "released"]):
        said, verdict = row["released"], verdicts.get(row["picture_id"])
        if said and verdict and not verdict.decisions:
            found[row["picture_id"]] = Verdict(True, "", said["subdivision"], said["agreement"], said["decisions"])
    return found


def _row(picture_id: str, region: str, verdict: Verdict, category: str, settings: Annotate) -> AnnotatedRow:
    provisional = verdict.reason == UNDECIDED and settings.undecided == "provisional"
    return {
        "picture_id": picture_id,
        "region": region,
        "status": "kept" if verdict.kept or provisional else "dropped",
        "reason": "" if provisional else verdict.reason,
        "subdivision": verdict.subdivision,
        "category": category,
        "agreement": verdict.agreement,
        "decisions": verdict.decisions,
        "provisional": provisional,
    }


STAGE = Stage(
    name="annotate",
    run=run,
    identities=("region",),
    params=Params,
    inputs={"candidates": candidates.PATH, "duplicates": duplicates.PATH, "decisions": DECISIONS, "gold": GOLD},
    outputs={"annotated": annotated.PATH, "agreement": agreed.PATH},
)

if __name__ == "__main__":
    STAGE.main()
