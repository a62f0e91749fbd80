"""Apply the experts' decisions to the unique pictures of one region."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.annotation.consensus import UNDECIDED, majority
from culturebench.annotation.decisions import Decision, read_decisions
from culturebench.artifacts import annotated, duplicates
from culturebench.params.annotate import Annotate
from culturebench.stage import Stage

DECISIONS = "annotations/decisions/{region}.jsonl"


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, region: str) -> None:
    """Give every unique picture of one region its verdict by the `annotate` section."""
    decisions = read_decisions(inputs["decisions"], params.region["subdivisions"])
    pictures = [row for row in duplicates.TABLE.load(inputs["duplicates"]) if row["status"] == "kept"]
    rows = [_row(row["picture_id"], region, decisions.get(row["picture_id"], []), params.annotate) for row in pictures]
    absent = len(decisions.keys() - {row["picture_id"] for row in pictures})
    print(f"{region}: {len(pictures)} pictures; decisions on {absent} other pictures were ignored", file=sys.stderr)
    annotated.TABLE.save(outputs["annotated"], rows)


def _row(picture_id: str, region: str, decisions: list[Decision], settings: Annotate) -> dict[str, Any]:
    verdict = majority(decisions, settings.min_decisions)
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
    inputs={"duplicates": duplicates.PATH, "decisions": DECISIONS},
    outputs={"annotated": annotated.PATH},
    region_keys=("subdivisions",),
)

if __name__ == "__main__":
    STAGE.main()
