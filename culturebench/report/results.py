"""Look-ups in the evaluation's rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from culturebench.conditions import in_order
from culturebench.evaluation.names import AGREEMENT, ALL, POOLED, TEST
from culturebench.measures import records

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import EvaluationRow as Row

Verdict = Literal["better", "worse", "none"]


class Results:
    """The rows of one model on some prompts. Verdicts err as often as 1 - `level`."""

    def __init__(self, rows: Iterable[Row], model: str, level: float = 0.95, prompts: str = TEST) -> None:
        self.model, self.level = model, level
        self.rows = [row for row in rows if (row["model"], row["prompts"]) == (model, prompts)]
        self._by_key = {(r["condition"], r["against"], r["measure"], r["judge"], r["region"]): r for r in self.rows}
        self.conditions = in_order({row["condition"] for row in self.rows})
        self.judges = sorted({r["judge"] for r in self.rows if r["judge"] and "+" not in r["judge"]} - {POOLED})

    def get(
        self, condition: str, measure: str, judge: str = POOLED, region: str = ALL, *, against: str = ""
    ) -> Row | None:
        """The row, None when there is none; a measure without a judge is found under any.

        With `against` it is the paired difference from that condition.
        """
        row = self._by_key.get((condition, against, measure, judge, region))
        return row or self._by_key.get((condition, against, measure, "", region))

    def verdict(self, condition: str, measure: str, against: str, judge: str = POOLED) -> Verdict:
        """What the corrected test says of the difference from `against`."""
        delta = self.get(condition, measure, judge, against=against) if against else None
        if not delta or not delta["value"] or delta["p_value"] is None or delta["p_value"] > 1 - self.level:
            return "none"
        direction = records.measure(measure).direction
        if direction == "neither":
            return "none"
        return "better" if (delta["value"] > 0) == (direction == "higher") else "worse"

    def agreement(self, condition: str) -> list[Row]:
        """Kappa of each two judges, and of all when there are more."""
        return [row for row in self.rows if row["measure"] == AGREEMENT and row["condition"] == condition]

    def present(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that have rows, in that order."""
        return [name for name in names if name in self.conditions]
