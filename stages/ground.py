"""Count every cue across regions, and let captions that rest on a rare one wait for an audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from culturebench import funnel
from culturebench.artifacts import captioned, cues, grounded
from culturebench.artifacts._folder import keep_only
from culturebench.artifacts.captioned import CaptionedRow
from culturebench.artifacts.cues import CueRow
from culturebench.captions.cues import concentration, cue_table, held_back, written
from culturebench.measures.alpha import krippendorff_alpha
from culturebench.params.ground import Ground
from culturebench.params.regions import Regions
from culturebench.splitting.counts import Counts, caption_counts
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    ground: Ground
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Hold back what the `ground` section asks to audit, and write what all captions cost."""
    regions = list(params.regions)
    rows = {region: captioned.TABLE.load(inputs["captioned"] / f"{region}.parquet") for region in regions}
    table = cue_table(rows, params.ground.min_support, params.ground.min_lift)
    cues.TABLE.save(outputs["cues"], table)
    keep_only(outputs["grounded"], regions)
    counts: dict[str, grounded.Counts] = {}
    kept: dict[str, Counts] = {}
    for region in regions:
        own = {row["cue"]: row for row in table if row["region"] == region}
        held = [held_back(row, own, params.ground.audit) for row in rows[region]]
        grounded.TABLE.save(outputs["grounded"] / f"{region}.parquet", held)
        counts[region], kept[region] = _counts(held, list(own.values())), caption_counts(held)
    grounded.save_counts(outputs["counts"], counts)
    funnel.say("ground", kept)


def _counts(rows: Sequence[CaptionedRow], table: Sequence[CueRow]) -> grounded.Counts:
    """The ledger of one region, and what became of its captions."""
    return {
        "cost": sum(row["cost"] for row in rows),
        "input_tokens": sum(row["input_tokens"] for row in rows),
        "output_tokens": sum(row["output_tokens"] for row in rows),
        "served_models": sorted({row["served_model"] for row in rows} - {""}),
        "cues": concentration(table),
        "written": sum(map(written, rows)),
        "audits": dict(sorted(Counter(row["audit"] for row in rows if row["audit"]).items())),
        "auditors": _agreement([row["audits"] for row in rows]),
        "waiting": dict(sorted(Counter(row["reason"] for row in rows if row["status"] == "waiting").items())),
    }


def _agreement(audits: Sequence[Sequence[str]]) -> grounded.Audited:
    """Of the captions that several people audited."""
    several = [said for said in audits if len(said) > 1]
    alike = sum(len(set(said)) == 1 for said in several)
    return {"several": len(several), "alike": alike, "alpha": krippendorff_alpha(several)}


STAGE = Stage(
    name="ground",
    run=run,
    params=Params,
    inputs={"captioned": captioned.DIRECTORY},
    outputs={"grounded": grounded.DIRECTORY, "cues": cues.PATH, "counts": grounded.COUNTS},
)

if __name__ == "__main__":
    STAGE.main()
