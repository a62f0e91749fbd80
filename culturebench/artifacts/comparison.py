"""What masking each selector's neurons does: to their own region's pictures, and to those of other regions."""

from __future__ import annotations

from typing import Any

from culturebench.artifacts._json import JsonFile

STAGE = "compare_selectors"
DIRECTORY = "reports/metrics/selectors"
PATH = DIRECTORY + "/{model}.json"
#: Of every selector: mean neurons per region, and four drops of CultureVQA with their intervals. `own`: on the region's
#: prompts; `cross`: on other regions'; `selective`: own minus cross; `beyond_random`: own minus random's own.
EFFECTS = ("own", "cross", "selective", "beyond_random")
#: Of every cell of a selector's matrix: `source`'s neurons masked on `target`'s prompts.
CELL = ("selector", "source", "target", "drop", "low", "high")


def _whole(content: Any) -> bool:
    rows, cells = content["selectors"].values(), content["matrix"]
    return all(set(EFFECTS) <= set(row) for row in rows) and all(set(CELL) <= set(cell) for cell in cells)


#: `{judge, regions, prompts, seeds, unmasked, selectors, matrix}`.
FILE = JsonFile(STAGE, "a comparison of selectors", _whole)
save, load = FILE.save, FILE.load
