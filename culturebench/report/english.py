"""Whether a noun's pictures are English ones or only neutral, as plain values for the template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from culturebench.evaluation.names import ALL

if TYPE_CHECKING:
    from culturebench.artifacts.english import English

#: (distance, against) -> head of its column.
COLUMNS = {
    ("english", ""): "To the English noun’s picture",
    ("seeds", ""): "To the noun’s own with other noise",
    ("cultural", ""): "To the cultural prompt’s picture",
    ("english", "seeds"): "English − other noise",
    ("english", "cultural"): "English − cultural",
}


def values(found: English, regions: Sequence[str]) -> dict[str, Any]:
    """`{by, reason, heads, rows: [(code, [row])], english, other}`: codes of regions by the sign of English − noise."""
    cells = {(row["region"], row["distance"], row["against"]): row for row in found["rows"]}
    columns = [key for key in COLUMNS if (ALL, *key) in cells]
    beyond = {code: cells[code, "english", "seeds"] for code in (ALL, *regions) if (code, "english", "seeds") in cells}
    return {
        "by": found["by"],
        "reason": found["reason"],
        "heads": [COLUMNS[key] for key in columns],
        "rows": [(code, [cells.get((code, *key)) for key in columns]) for code in (ALL, *regions)],
        "english": [code for code, row in beyond.items() if row["high"] is not None and row["high"] < 0],
        "other": [code for code, row in beyond.items() if row["low"] is not None and row["low"] > 0],
    }
