"""What a model costs by unit. It imports no library of models: a plan without estimates does not wait for any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from culturebench.params.train_enhancer import TrainEnhancer


@dataclass(frozen=True)
class Cost:
    """Floating-point operations (a multiplication and an addition are two), and bytes in use at most."""

    flops: float
    peak: int = 0

    def __add__(self, other: Cost) -> Cost:
        """One after the other."""
        return Cost(self.flops + other.flops, max(self.peak, other.peak))

    def __mul__(self, times: float) -> Cost:
        """Several times, one after the other."""
        return Cost(self.flops * times, self.peak)


@dataclass(frozen=True)
class Prices:
    """What the whole model costs by unit."""

    picture: Cost
    step: Cost
    saving: Cost  # the same with gradient checkpointing
    watch: Cost
    prompt: Mapping[str, Cost]  # tower -> one caption through it
    width: Mapping[str, int]  # tower -> dimensions of its features
    weights: int  # bytes
    size: int  # pixels a side of a picture
    layers: Mapping[str, int]  # of each tower
    measuring: Cost | None = None  # of one picture, by the measures whose shapes are known


def training_cost(step: Cost, watch: Cost, numbers: TrainEnhancer) -> Cost:
    """A whole training: its steps, and both losses of every watched pair in every entry of the history."""
    entries = 1 + -(-numbers.steps // numbers.log_every)
    return step * (numbers.steps * numbers.batch_size) + watch * (2 * numbers.log_pairs * entries)
