"""What people said of written captions, and how concentrated the cues are, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from culturebench.captions.cues import RARE, UNAUDITED, UNDECIDED
from culturebench.measures.intervals import wilson

if TYPE_CHECKING:
    from culturebench.artifacts.grounded import Counts


def values(counts: Mapping[str, Counts], regions: Sequence[str], level: float) -> list[dict[str, Any]]:
    """A row for each region; none at all where no model wrote a caption, nobody audited one and none names a cue."""
    found = {code: counts[code] for code in regions if code in counts}
    if not any(one["written"] or one["audits"] or one["cues"]["all"] for one in found.values()):
        return []
    return [_row(code, one, level) for code, one in found.items()]


def _row(code: str, counts: Counts, level: float) -> dict[str, Any]:
    cues, auditors = counts["cues"], counts["auditors"]
    return {
        "region": code,
        "written": counts["written"],
        **{name: counts["audits"].get(name, 0) for name in ("correct", "edit", "stereotype")},
        "waiting": sum(counts["waiting"].get(name, 0) for name in (RARE, UNAUDITED, UNDECIDED)),
        "several": auditors["several"],
        "alike": auditors["alike"],
        "agree": _share(auditors["alike"], auditors["several"], level),
        "alpha": auditors["alpha"],
        "top": cues["top"],
        "share": _share(cues["top_pictures"], cues["pictures"], level),
        "pictures": cues["pictures"],
        "effective": cues["effective"],
        "cues": cues["all"],
        "grounded": cues["grounded"],
    }


def _share(part: int, whole: int, level: float) -> dict[str, float] | None:
    """A share with Wilson's interval; None of nothing."""
    if not whole:
        return None
    low, high = wilson(part / whole, whole, NormalDist().inv_cdf((1 + level) / 2))
    return {"value": part / whole, "low": low, "high": high}
