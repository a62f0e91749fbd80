"""Three scripted annotators who decide on atlas pictures from the truth, each wrong at a known rate.

`python -m culturebench.atlas.annotators` writes `annotations/decisions/<region>.jsonl` for the atlas
source of `params.yaml`, and the truth of some pictures to `annotations/gold/` beside it; every decision says in its
`annotator` field that a script made it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from culturebench.atlas.collection import Finding, findings
from culturebench.atlas.people import ERROR_RATES, scripted
from culturebench.atlas.world import REGIONS
from culturebench.errors import CultureBenchError
from culturebench.params import load_document, load_section
from culturebench.params.collect import AtlasSource, Collect

#: Pictures per region whose truth is written to `annotations/gold/`.
GOLD: Final = 20
_CATEGORIES: Final = {"robe": "clothing", "house": "architecture", "door": "architecture", "drum": "instruments"}
_REASONS: Final = ("not_authentic", "wrong_culture", "low_quality")


def decide(finding: Finding) -> list[dict[str, Any]]:
    """The three decisions on one finding, in the order of their annotators; always the same ones."""
    return [_decision(finding, number, rate) for number, rate in enumerate(ERROR_RATES, start=1)]


def true_reason(finding: Finding) -> str:
    """Why an annotator who never errs rejects the finding, empty when it is good."""
    if finding.planted.startswith("mislabelled"):
        return "wrong_culture"
    return {"plain": "not_authentic", "blurred": "low_quality"}.get(finding.planted, "")


def main(argv: Sequence[str] | None = None) -> None:
    """Write one file per region."""
    parser = argparse.ArgumentParser(prog="python -m culturebench.atlas.annotators", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--folder", type=Path, default=Path("annotations/decisions"))
    parser.add_argument("--regions", nargs="*", default=list(REGIONS), help="by default all of the atlas")
    options = parser.parse_args(argv)
    try:
        source = _atlas_source(options.params)
    except CultureBenchError as error:
        sys.exit(str(error))
    options.folder.mkdir(parents=True, exist_ok=True)
    gold = options.folder.parent / "gold"
    gold.mkdir(exist_ok=True)
    for region in options.regions:
        found = findings(region, source.pictures, source.planted.model_dump())
        rows = sorted((row for finding in found for row in decide(finding)), key=_order)
        lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]
        (options.folder / f"{region}.jsonl").write_text("".join(lines), encoding="utf-8")
        known = [json.dumps(row, separators=(",", ":")) + "\n" for row in _gold(found)]
        (gold / f"{region}.jsonl").write_text("".join(known), encoding="utf-8")


def _gold(found: Sequence[Finding]) -> list[dict[str, str]]:
    """The truth of the first pictures by id, half of them good and half not, where there are as many."""
    ordered = sorted(found, key=lambda finding: finding.picture_id)
    half = GOLD // 2
    good = [finding for finding in ordered if not true_reason(finding)][:half]
    bad = [finding for finding in ordered if true_reason(finding)][:half]
    chosen = sorted((*good, *bad), key=lambda finding: finding.picture_id)
    return [
        {"picture_id": f.picture_id, "verdict": "reject" if true_reason(f) else "keep", "why": "drawn so"}
        for f in chosen
    ]


def _atlas_source(path: Path) -> AtlasSource:
    collect: Collect = load_section(Collect, load_document(path), path)
    for source in collect.sources:
        if isinstance(source, AtlasSource):
            return source
    raise CultureBenchError(f"{path}: collect.sources names no source of kind atlas")


def _decision(finding: Finding, number: int, rate: float) -> dict[str, Any]:
    annotator = scripted(number)
    digest = hashlib.sha256(f"{annotator}/{finding.picture_id}".encode()).digest()
    dice = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    wrong, other = bool(dice.uniform() < rate), int(dice.integers(1_000_000))
    reason = true_reason(finding)
    if wrong:
        reason = "" if reason else _REASONS[other % len(_REASONS)]
    subdivisions = REGIONS[finding.region][1]
    right = finding.scene.subdivision in subdivisions
    subdivision = finding.scene.subdivision if right else subdivisions[other % len(subdivisions)]
    return {
        "picture_id": finding.picture_id,
        "annotator": annotator,
        "verdict": "reject" if reason else "keep",
        "reason": reason,
        "subdivision": "" if reason else subdivision,
        "category": _CATEGORIES.get(finding.scene.object, "crafts"),
        "confidence": 2 if wrong else 4,
    }


def _order(row: dict[str, Any]) -> tuple[str, str]:
    return row["picture_id"], row["annotator"]


if __name__ == "__main__":
    main()
