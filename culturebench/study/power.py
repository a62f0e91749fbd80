"""What a planned study can see before anyone is paid: simulated studies with a planted difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from culturebench.artifacts.study_tasks import KINDS
from culturebench.measures.two_way import TwoWay
from culturebench.study.draws import StudyError
from culturebench.study.simulate import Design, Planted, draw, truth_of

if TYPE_CHECKING:
    from culturebench.params.study import StudyPlan

#: How answers are assumed to spread: a quarter right on noun prompts; stars around 3.
ASSUMED: Final[Mapping[str, Planted]] = {
    "scc": Planted("share", base=-1.1, gain=0.0, prompt=1.0, person=0.5, both=0.7),
    "mcc": Planted("share", base=-1.1, gain=0.0, prompt=1.0, person=0.5, both=0.7),
    "csr": Planted("rating", base=0.0, gain=0.0, prompt=0.5, person=0.4, both=0.4),
}
#: Differences from the noun prompt, shares of the scale; 0 is how often one is seen that is not there.
DIFFERENCES: Final = (0.0, 0.05, 0.10, 0.15, 0.20)
#: Seconds that a person is assumed to need for a task.
SECONDS: Final = {"scc": 15, "mcc": 30, "csr": 15}
_RESAMPLES = 300


@dataclass(frozen=True)
class Seen:
    """Of one kind: who sees how much, and difference -> the share of studies that call it one."""

    kind: str
    design: Design
    shares: Mapping[float, float]


def designs(plan: StudyPlan, regions: int) -> dict[str, Design]:
    """Kind -> what the plan comes to, if every region has the prompts. Raises `StudyError` for too few."""
    found: dict[str, Design] = {}
    conditions = len(plan.conditions)
    for kind, count in plan.prompts_per_region.model_dump().items():
        step = 1 if kind == "mcc" else conditions
        items = count * regions // (step * plan.groups) * step
        if count and not items:
            raise StudyError(f"params.yaml: study.prompts_per_region.{kind}: {count} of {regions} regions are too few")
        if count:
            people = plan.blocks * plan.people
            found[kind] = Design(items * plan.groups, people, items, conditions, at_once=kind == "mcc")
    return {kind: found[kind] for kind in KINDS if kind in found}


def power(plan: StudyPlan, regions: int, runs: int) -> list[Seen]:
    """Every kind, `runs` studies a difference; one is seen at the level of Holm's first and hardest comparison."""
    alpha = (1 - plan.level) / (len(plan.conditions) - 1)
    numbers = TwoWay(_RESAMPLES, plan.seed, plan.level)
    return [
        Seen(kind, design, {size: _share(ASSUMED[kind], size, design, alpha, runs, numbers) for size in DIFFERENCES})
        for kind, design in designs(plan, regions).items()
    ]


def minutes(plan: StudyPlan, regions: int) -> float:
    """What one person is assumed to need, with gold and repeats."""
    extra = plan.gold + plan.repeats
    return sum((design.items + extra) * SECONDS[kind] for kind, design in designs(plan, regions).items()) / 60


def gain_of(planted: Planted, difference: float) -> float:
    """The gain with which the truth is this difference, by halving."""
    low, high = 0.0, 10.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if truth_of(replace(planted, gain=middle)) < difference else (low, middle)
    return high if difference else 0.0


def _share(planted: Planted, size: float, design: Design, alpha: float, runs: int, numbers: TwoWay) -> float:
    rng = np.random.default_rng(numbers.seed)
    with_gain = replace(planted, gain=gain_of(planted, size))
    seen = 0
    for _ in range(runs):
        noun, edited = draw(with_gain, rng, design)
        found = numbers.difference(edited, noun, share=True)
        seen += found is not None and found.p is not None and found.p <= alpha
    return seen / runs
