"""From several people's decisions to one verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from culturebench.annotation.decisions import Decision

UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """What is decided.

    `reason` is the majority's for a rejected picture and `undecided` where there is no majority;
    `agreement` is how much speaks for the verdict: the share of the decisions, or after Dawid and Skene
    its probability; 0 without any decision.
    """

    kept: bool
    reason: str
    subdivision: str
    agreement: float
    decisions: int


def majority(decisions: Sequence[Decision], min_decisions: int) -> Verdict:
    """More than half of at least `min_decisions`; equal numbers decide nothing."""
    count = len(decisions)
    keepers = [decision for decision in decisions if decision.verdict == "keep"]
    rejecters = [decision for decision in decisions if decision.verdict == "reject"]
    subdivision = _most_frequent(decision.subdivision for decision in keepers)
    if count < min_decisions or 2 * len(keepers) == count:
        larger = max(len(keepers), len(rejecters))
        return Verdict(False, UNDECIDED, subdivision, larger / count if count else 0.0, count)
    if len(keepers) > len(rejecters):
        return Verdict(True, "", subdivision, len(keepers) / count, count)
    reason = _most_frequent(decision.reason for decision in rejecters)
    return Verdict(False, reason, "", len(rejecters) / count, count)


def weighed(decisions: Sequence[Decision], min_decisions: int, keep: float) -> Verdict:
    """The verdict whose probability is the larger one; `keep` is that of keeping the picture."""
    count = len(decisions)
    subdivision = _most_frequent(decision.subdivision for decision in decisions if decision.verdict == "keep")
    if count < min_decisions or keep == 0.5:
        return Verdict(False, UNDECIDED, subdivision, max(keep, 1 - keep) if count else 0.0, count)
    if keep > 0.5:
        return Verdict(True, "", subdivision, keep, count)
    # One rejection among several keeps can win by its author's reliability: its reason is then the only one.
    reason = _most_frequent(decision.reason for decision in decisions if decision.verdict == "reject")
    return Verdict(False, reason or UNDECIDED, "", 1 - keep, count)


def at_least(verdict: Verdict, min_agreement: float) -> Verdict:
    """The verdict, or none when too little speaks for it."""
    if verdict.agreement >= min_agreement or verdict.reason == UNDECIDED:
        return verdict
    return replace(verdict, kept=False, reason=UNDECIDED)


def category_of(decisions: Sequence[Decision]) -> str:
    """What most of those who keep the picture say that it shows; "" where none says it."""
    return _most_frequent(decision.category for decision in decisions if decision.verdict == "keep")


def _most_frequent(names: Iterable[str]) -> str:
    """The most frequent name that is not empty, the first in the alphabet among equals; empty when there is none."""
    counts = Counter(name for name in names if name)
    return min(counts, key=lambda name: (-counts[name], name), default="")
