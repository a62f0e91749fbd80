"""Regions of one language beside each other: whose culture their pictures show, as plain values for the template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from culturebench.evaluation.names import CULTURE, LANGUAGE, NEIGHBOUR, PLAIN
from culturebench.measures import records
from culturebench.report.cards import language
from culturebench.report.tables import OWN

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import EvaluationRow as Row
    from culturebench.artifacts.overlaps import Overlaps
    from culturebench.report.results import Results

#: What a picture can show, from right to nothing; what is missing to all of them names a region of another language.
SHOWN = {
    CULTURE: "Right region",
    NEIGHBOUR: records.measure(NEIGHBOUR).label,
    LANGUAGE: "Right language",
    PLAIN: "No culture seen",
}


def by_language(results: Results, regions: Sequence[str], told: Overlaps) -> list[dict[str, Any]]:
    """One table for each language that several of the `regions` speak; `told` is of the prompts that were given.

    `[{language, regions, conditions, rows: [(region, [(label, [row])])], shared: [(prompt, regions)]}]`.
    """
    spoken: dict[str, list[str]] = {}
    for code in regions:
        spoken.setdefault(told["languages"].get(code, code), []).append(code)
    return [
        {
            "language": language(code),
            "regions": some,
            "conditions": results.present(OWN),
            "rows": [(region, _lines(results, region)) for region in some],
            "shared": [(one["prompt"], one["regions"]) for one in told["shared"] if one["language"] == code],
        }
        for code, some in spoken.items()
        if len(some) > 1
    ]


def _lines(results: Results, region: str) -> list[tuple[str, list[Row | None]]]:
    names = results.present(OWN)
    return [(label, [results.get(name, measure, region=region) for name in names]) for measure, label in SHOWN.items()]
