"""How alike a condition's pictures of one region are beside its real ones, as plain values for the template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from culturebench.measures import records
from culturebench.report.results import Results
from culturebench.report.tables import OWN


def concentration(results: Results, regions: Sequence[str]) -> dict[str, Any] | None:
    """`{measure, conditions, rows: [(code, [row])], all: [row], more}`; None where it was not measured.

    `more`: the conditions whose pictures are more alike than real ones, by the interval over all regions.
    """
    names = results.present(OWN)
    for measure in records.at("alike"):
        every = [results.get(name, measure) for name in names]
        if any(row and row["value"] is not None for row in every):
            return {
                "measure": measure,
                "conditions": names,
                "rows": [(code, [results.get(name, measure, region=code) for name in names]) for code in regions],
                "all": every,
                "more": [
                    name
                    for name, row in zip(names, every, strict=True)
                    if row and row["low"] is not None and row["low"] > 0
                ],
            }
    return None
