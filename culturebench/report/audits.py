"""Culture neurons of vision-language models, and of those that judge, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from culturebench.artifacts.audited import REAL
from culturebench.conditions import CONDITIONS
from culturebench.probing.selectors import SELECTORS, selector

if TYPE_CHECKING:
    from culturebench.artifacts.audited import Audited, Summary as Judged
    from culturebench.artifacts.silenced import Summary

#: Effects in the order of the table's columns.
COLUMNS = ("own", "other", "selective", "beyond_random", "neutral", "category_matched")
FLIPS = ("flip_own", "right_to_wrong", "wrong_to_right", "flip_other")
LANGUAGES = {"native": "in the region's language", "english": "in English"}


def values(found: Mapping[str, tuple[Summary, Judged, bool]]) -> list[dict[str, Any]]:
    """One chapter an audit: what silencing did, by layer and by culture, and CultureVQA by condition.

    `found`: audit -> its two summaries, and whether its questions are the atlas's.
    """
    return [_chapter(name, *one) for name, one in found.items()]


def _chapter(name: str, summary: Summary, judged: Judged, atlas: bool) -> dict[str, Any]:
    shown = summary["shown"]
    changes = {(cell["silenced"], cell["asked"]): cell["change"] for cell in summary["matrix"]}
    cultures = [row["culture"] for row in summary["cultures"]]
    return {
        "name": name,
        "atlas": atlas,
        "scoring": summary["scoring"],
        "chance": summary["chance"],
        "shown": selector(shown).label,
        "languages": [
            {
                "label": LANGUAGES[language],
                "baseline": summary["baseline"][language],
                "neutral": summary["neutral_baseline"][language],
                "rows": [_row(one, effects, summary) for one, effects in sorted(found.items(), key=_place)],
            }
            for language, found in summary["effects"].items()
        ],
        "layers": [row for row in summary["layers"] if row["selector"] == shown],
        "layer_count": len({row["layer"] for row in summary["layers"]}),
        "cultures": [
            {**row, "room": _room(row["own"], row["baseline"], summary["chance"])} for row in summary["cultures"]
        ],
        "codes": cultures,
        "matrix": [(one, [changes[one, other] for other in cultures]) for one in cultures],
        "selector": selector(judged["selector"]).label,
        "judged": sorted(judged["rows"], key=_order),
        "people": judged["people"],
    }


def _place(item: tuple[str, Any]) -> int:
    return list(SELECTORS).index(item[0])


def _row(name: str, effects: Mapping[str, Any], summary: Summary) -> dict[str, Any]:
    record = selector(name)
    return {
        "label": record.label,
        "by": "as many, drawn from the same layers: the control" if record.control else record.by,
        "neurons": summary["neurons"][name],
        "cells": [effects[key] for key in COLUMNS],
        "flips": [effects[key] for key in FLIPS],
    }


def _room(own: Mapping[str, Any] | None, baseline: Mapping[str, Any], chance: float) -> float | None:
    """The own effect as a share of what a culture can lose above chance; None where it has nothing to lose."""
    room = baseline["value"] - chance
    return own["value"] / room if own is not None and room > 0 else None


def _order(row: Audited) -> tuple[str, int]:
    names = [REAL, *(record.name for record in CONDITIONS)]
    return row["model"], names.index(row["condition"])
