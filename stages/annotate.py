"""Apply the experts' decisions to the unique pictures of one region."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.annotation.agreement import agreement
from culturebench.annotation.consensus import UNDECIDED, Verdict, at_least, majority, weighed
from culturebench.annotation.dawid_skene import keep_probabilities
from culturebench.annotation.decisions import Decision, read_decisions
from culturebench.annotation.gold import read_gold
from culturebench.artifacts import agreement as agreed, annotated, duplicates
from culturebench.params.annotate import Annotate
from culturebench.stage import Stage

DECISIONS = "annotations/decisions/{region}.jsonl"
GOLD = "annotations/gold/{region}.jsonl"


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, region: str) -> None:
    """Give every unique picture of one region its verdict by the `annotate` section."""
    decisions = read_decisions(inputs["decisions"], params.region["subdivisions"])
    pictures = [row for row in duplicates.TABLE.load(inputs["duplicates"]) if row["status"] == "kept"]
    verdicts = _verdicts(decisions, [row["picture_id"] for row in pictures], params.annotate)
    rows = [_row(name, region, verdict, params.annotate) for name, verdict in verdicts.items()]
    absent = len(decisions.keys() - verdicts.keys())
    print(f"{region}: {len(pictures)} pictures; decisions on {absent} other pictures were ignored", file=sys.stderr)
    annotated.TABLE.save(outputs["annotated"], rows)
    agreed.save(outputs["agreement"], agreement(decisions, read_gold(inputs["gold"])))


def _verdicts(decisions: dict[str, list[Decision]], pictures: list[str], settings: Annotate) -> dict[str, Verdict]:
    min_decisions = settings.min_decisions
    if settings.consensus == "majority":
        found = {name: majority(decisions.get(name, []), min_decisions) for name in pictures}
    else:
        keep = keep_probabilities(decisions)
        found = {name: weighed(decisions.get(name, []), min_decisions, keep.get(name, 0.5)) for name in pictures}
    return {name: at_least(verdict, settings.min_agreement) for name, verdict in found.items()}


def _row(picture_id: str, region: str, verdict: Verdict, settings: Annotate) -> dict[str, Any]:
    provisional = verdict.reason == UNDECIDED and settings.undecided == "provisional"
    return {
        "picture_id": picture_id,
        "region": region,
        "status": "kept" if verdict.kept or provisional else "dropped",
        "reason": "" if provisional else verdict.reason,
        "subdivision": verdict.subdivision,
        "agreement": verdict.agreement,
        "decisions": verdict.decisions,
        "provisional": provisional,
    }


STAGE = Stage(
    name="annotate",
    run=run,
    identities=("region",),
    sections=(Annotate,),
    inputs={"duplicates": duplicates.PATH, "decisions": DECISIONS, "gold": GOLD},
    outputs={"annotated": annotated.PATH, "agreement": agreed.PATH},
    region_keys=("subdivisions",),
)

if __name__ == "__main__":
    STAGE.main()
