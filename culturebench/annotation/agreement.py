"""How far annotators agree beyond chance, and how often each is right where the answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from culturebench.annotation.decisions import Decision
from culturebench.measures.alpha import krippendorff_alpha

if TYPE_CHECKING:
    from culturebench.artifacts.agreement import Agreement, Annotator


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
