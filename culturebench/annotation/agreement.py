"""How far annotators agree beyond chance, and how often each is right where the answer is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from culturebench.annotation.decisions import Decision

if TYPE_CHECKING:
    from culturebench.artifacts.agreement import Agreement, Annotator


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha of nominal answers; each unit holds the answers to one item.

    1 is full agreement, 0 that of chance. None when no two answers share an item, or all are alike.
    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C.
    """
    pairable = [Counter(unit) for unit in units if len(unit) > 1]
    totals: Counter[Hashable] = Counter()
    observed = 0.0
    for counts in pairable:
        size = counts.total()
        totals += counts
        observed += (size**2 - sum(n**2 for n in counts.values())) / (size - 1)
    size = totals.total()
    expected = (size**2 - sum(n**2 for n in totals.values())) / (size - 1) if size else 0.0
    return 1.0 - observed / expected if expected else None


def agreement(decisions: Mapping[str, Sequence[Decision]], gold: Mapping[str, str]) -> Agreement:
    """Alpha of the verdicts, and each annotator's decisions, gold pictures decided and gold verdicts right."""
    every = [decision for each in decisions.values() for decision in each]
    annotators: dict[str, Annotator] = {}
    for decision in sorted(every, key=lambda d: (d.annotator, d.picture_id)):
        row = annotators.setdefault(decision.annotator, {"decisions": 0, "gold": 0, "gold_right": 0})
        row["decisions"] += 1
        if decision.picture_id in gold:
            row["gold"] += 1
            row["gold_right"] += gold[decision.picture_id] == decision.verdict
    return {
        "pictures": len(decisions),
        "alpha": krippendorff_alpha([decision.verdict for decision in each] for each in decisions.values()),
        "annotators": annotators,
    }
