"""The few numbers that `dvc metrics diff` shows, and the confusion counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.evaluation.names import ALL, MINUS, POOLED, TEST

if TYPE_CHECKING:
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.artifacts.evaluation import ConfusionRow, EvaluationRow, Summary


def summarise(rows: Iterable[EvaluationRow]) -> Summary:
    """Model -> condition -> measure -> value over all regions, judges pooled, without what was not run.

    Under `minus` a condition has measure -> difference by the condition that it is compared with. Conditions of other
    prompts than the test split's begin with their name.
    """
    summary: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["region"] != ALL or row["judge"] not in (POOLED, "") or row["value"] is None:
            continue
        condition = row["condition"] if row["prompts"] == TEST else f"{row['prompts']}_{row['condition']}"
        place = summary.setdefault(row["model"], {}).setdefault(condition, {})
        if row["against"]:
            place = place.setdefault(MINUS, {}).setdefault(row["against"], {})
        place[row["measure"]] = row["value"]
    return summary


def count_confusions(model: str, condition: str, judge: str, answers: Sequence[AnswerRow]) -> list[ConfusionRow]:
    """How often each answer was given for each true region."""
    counts = Counter((row["region"], row["answer"]) for row in answers)
    return [
        {"model": model, "condition": condition, "judge": judge, "truth": truth, "answer": answer, "count": n}
        for (truth, answer), n in sorted(counts.items())
    ]
