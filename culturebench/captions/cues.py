"""Which cues many pictures of a region share, and which are too rare to rest a caption on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from culturebench.artifacts.captioned import CaptionedRow
    from culturebench.artifacts.cues import CueRow
    from culturebench.artifacts.grounded import Concentration

#: Why a caption waits: it rests on a rare cue, nobody has looked at what a model wrote, or people do not agree yet.
RARE, UNAUDITED, UNDECIDED = "rare_cue", "not_audited", "audit_undecided"
#: The provider whose captions a language model writes.
MODEL = "openai"


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


def written(row: CaptionedRow) -> bool:
    """Whether a language model wrote one of the captions."""
    return MODEL in row["provider"].split("+")


def held_back(row: CaptionedRow, cues: Mapping[str, CueRow], audit: Literal["all", "rare"]) -> CaptionedRow:
    """The captioned row, waiting if people have to look first; what they agree on or wrote has its word.

    That is so where a cue is not grounded, with `audit` "all" wherever a language model wrote a caption, and where
    audits do not agree yet.
    """
    if row["status"] != "kept" or row["audit"]:
        return row
    rare = [cue for cue in row["cues"] if not cues[cue]["grounded"]]
    told = [f"{cue}: {cues[cue]['support']} pictures, lift {cues[cue]['lift']:.2f}" for cue in rare]
    if row["audits"]:
        reason, told = UNDECIDED, [f"audits: {', '.join(sorted(row['audits']))}", *told]
    elif rare:
        reason = RARE
    elif audit == "all" and written(row):
        reason = UNAUDITED
    else:
        return row
    return {**row, "status": "waiting", "reason": reason, "detail": "; ".join(told)}


def concentration(rows: Sequence[CueRow]) -> Concentration:
    """How much one region's captions rest on few cues; `rows` are its rows of the cues artifact.

    `effective` is the inverse of Simpson's index (1949): so many equally frequent cues would be as concentrated.
    """
    supports = [row["support"] for row in rows]
    top = max(rows, key=lambda row: (row["support"], row["cue"]), default=None)
    return {
        "grounded": sum(row["grounded"] for row in rows),
        "all": len(rows),
        "pictures": top["pictures"] if top else 0,
        "top": top["cue"] if top else "",
        "top_pictures": top["support"] if top else 0,
        "effective": sum(supports) ** 2 / sum(n * n for n in supports) if supports else None,
    }
