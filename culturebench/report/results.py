"""Look-ups in the evaluation's rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from culturebench.evaluation.names import AGREEMENT, ALL, DELTA, DELTA_RANDOM, LOWER_IS_BETTER, P_VALUE, POOLED, TEST

Row = dict[str, Any]
Verdict = Literal["better", "worse", "none"]

#: Judged measures have their own columns; what begins so is a comparison and no column.
_NO_COLUMN = (DELTA, AGREEMENT, P_VALUE)


class Results:
    """The rows of one model on some prompts, and what each condition is compared with.

    Verdicts err as often as 1 - `level`.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        model: str,
        reference: Mapping[str, str],
        control: Mapping[str, str],
        level: float = 0.95,
        prompts: str = TEST,
    ) -> None:
        self.model, self.reference, self.control, self.level = model, reference, control, level
        self.rows = [row for row in rows if (row["model"], row["prompts"]) == (model, prompts)]
        self._by_key = {(r["condition"], r["measure"], r["judge"], r["region"]): r for r in self.rows}
        self.conditions = list(dict.fromkeys(row["condition"] for row in self.rows))
        self.judges = sorted({r["judge"] for r in self.rows if r["judge"] and "+" not in r["judge"]} - {POOLED})

    def get(self, condition: str, measure: str, judge: str = POOLED, region: str = ALL) -> Row | None:
        """The row, None when there is none; a measure without a judge is found under any."""
        row = self._by_key.get((condition, measure, judge, region))
        return row or self._by_key.get((condition, measure, "", region))

    def delta(self, condition: str, measure: str, judge: str = POOLED) -> Row | None:
        """The paired difference from the condition's reference."""
        return self.get(condition, DELTA + measure, judge)

    def delta_random(self, condition: str, measure: str, judge: str = POOLED) -> Row | None:
        """The paired difference from the condition's random control."""
        return self.get(condition, DELTA_RANDOM + measure, judge)

    def verdict(self, condition: str, measure: str, judge: str = POOLED, *, random: bool = False) -> Verdict:
        """What the corrected test says of the difference from the reference, or from the random control."""
        difference = (DELTA_RANDOM if random else DELTA) + measure
        delta, p_value = self.get(condition, difference, judge), self.get(condition, P_VALUE + difference, judge)
        if not delta or not p_value or not delta["value"] or p_value["value"] > 1 - self.level:
            return "none"
        return "worse" if (delta["value"] > 0) == (measure in LOWER_IS_BETTER) else "better"

    def agreement(self, condition: str) -> list[Row]:
        """Kappa of each two judges, and of all when there are more."""
        return [row for row in self.rows if row["measure"] == AGREEMENT and row["condition"] == condition]

    def other_measures(self) -> list[str]:
        """Measures without a judge, sorted."""
        return sorted({r["measure"] for r in self.rows if not r["judge"] and not r["measure"].startswith(_NO_COLUMN)})

    def present(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that have rows, in that order."""
        return [name for name in names if name in self.conditions]
