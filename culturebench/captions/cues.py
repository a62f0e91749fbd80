"""Which cues many pictures of a region share, and which are too rare to rest a caption on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from culturebench.artifacts.captioned import CaptionedRow
    from culturebench.artifacts.cues import CueRow

#: Why a caption waits for an audit.
RARE = "rare_cue"


def cue_table(regions: Mapping[str, Sequence[CaptionedRow]], min_support: int, min_lift: float) -> list[CueRow]:
    """Rows of the cues artifact from each region's captioned rows.

    Lift is P(cue | region) / P(cue) over all pictures with cues (Brin et al. 1997, association rules): 1 for a cue that
    is as common everywhere.
    """
    shown = {region: [row["cues"] for row in rows if row["cues"]] for region, rows in regions.items()}
    counts = {region: Counter(cue for cues in lists for cue in cues) for region, lists in shown.items()}
    everywhere = sum(counts.values(), Counter[str]())
    pictures = sum(len(lists) for lists in shown.values())
    table: list[CueRow] = []
    for region, found in counts.items():
        for cue, support in found.items():
            lift = (support / len(shown[region])) / (everywhere[cue] / pictures)
            table.append(
                {
                    "region": region,
                    "cue": cue,
                    "support": support,
                    "pictures": len(shown[region]),
                    "elsewhere": everywhere[cue] - support,
                    "lift": round(lift, 6),
                    "grounded": support >= min_support and lift >= min_lift,
                }
            )
    return table


def held_back(row: CaptionedRow, cues: Mapping[str, CueRow]) -> CaptionedRow:
    """The captioned row, waiting if one of its cues is not grounded; what people audited or wrote has its word."""
    rare = [cue for cue in row["cues"] if not cues[cue]["grounded"]]
    if not rare or row["status"] != "kept" or row["audit"]:
        return row
    told = "; ".join(f"{cue}: {cues[cue]['support']} pictures, lift {cues[cue]['lift']:.2f}" for cue in rare)
    return {**row, "status": "waiting", "reason": RARE, "detail": told}
