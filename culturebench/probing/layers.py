"""Which layers stand above their neighbours, judged by sign flips of what pairs with one modifier share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FLOAT_NOISE = 1e-9


@dataclass(frozen=True)
class LayerTest:
    """`resamples` draws of each kind from `seed`; `level` of the drawn intervals.

    `alpha` is the chance that an encoder without any culture layer has one marked, over all its layers.
    `min_excess` is how far, in the attention's unit, a layer must stand above its neighbours to matter.
    """

    resamples: int
    seed: int
    level: float
    alpha: float
    min_excess: float


@dataclass(frozen=True)
class Curve:
    """The mean difference of each layer (layers,) with its interval, how far it exceeds its neighbours, the verdict.

    `p` is adjusted for all layers; it and `excess` are NaN where a layer is no candidate or has no neighbour.
    """

    delta: Floats
    low: Floats
    high: Floats
    excess: Floats
    p: Floats
    marked: NDArray[np.bool_]

    @property
    def layer(self) -> int | None:
        """The marked layer of the largest delta; None when none is marked."""
        return int(np.argmax(np.where(self.marked, self.delta, -np.inf))) if self.marked.any() else None


def delta_curve(differences: Floats, groups: Sequence[Hashable], candidates: int, test: LayerTest) -> Curve:
    """The curve of differences of pairs (pairs, layers); the first `candidates` layers can win.

    `groups` names the group of each pair, its modifier: pairs that share one are no independent draws, so they are
    resampled and flipped together. A layer is marked when its delta is above 0 and exceeds the mean of its neighbours'
    (one neighbour at the ends) beyond chance: where nothing tells the two sides of a pair apart, all differences of a
    group may as well have the other sign. All layers are tested together, by the largest studentized excess of each
    draw (max-T; Westfall & Young 1993), so that many layers do not make a false mark more likely. With fewer than
    log2(1 / alpha) groups nothing can be beyond chance.
    """
    layers = differences.shape[1]
    delta = differences.mean(axis=0)
    sums, counts = _by_group(differences, groups)
    low, high = _interval(sums, counts, test)
    excess, p = np.full(layers, np.nan), np.full(layers, np.nan)
    marked = np.zeros(layers, dtype=np.bool_)
    if candidates > 1:
        rng = np.random.default_rng([test.seed, len(counts), 1])
        signs = rng.choice([-1.0, 1.0], size=(test.resamples, len(counts)))
        flipped = neighbour_excess(signs @ sums[:, :candidates]) / len(differences)
        excess[:candidates] = neighbour_excess(delta[:candidates])
        p[:candidates] = family_p(excess[:candidates], flipped)
        large = excess[:candidates] > max(test.min_excess, FLOAT_NOISE)
        marked[:candidates] = (p[:candidates] <= test.alpha) & large & (delta[:candidates] > 0)
    return Curve(delta, low, high, excess, p, marked)


def neighbour_excess(values: Floats) -> Floats:
    """How far each layer of values (..., layers) is above the mean of its neighbours: (..., layers), two or more."""
    layers = values.shape[-1]
    contrast = np.eye(layers)
    for layer in range(layers):
        neighbours = [n for n in (layer - 1, layer + 1) if 0 <= n < layers]
        contrast[layer, neighbours] = -1 / len(neighbours)
    return values @ contrast.T


def family_p(found: Floats, drawn: Floats) -> Floats:
    """The p value of what was found (layers,) among draws (draws, layers), adjusted for all layers: (layers,).

    What was found counts as one of the draws, in the studentizing too: the level then is exact.
    """
    every = np.vstack([found, drawn])
    scores = (every - every.mean(axis=0)) / every.std(axis=0).clip(min=FLOAT_NOISE)
    largest = scores.max(axis=1)
    return np.array([(largest >= score - FLOAT_NOISE).mean() for score in scores[0]])


def _by_group(differences: Floats, groups: Sequence[Hashable]) -> tuple[Floats, Floats]:
    """Sums (groups, layers) and numbers of pairs (groups,)."""
    names = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    index = np.array([names[name] for name in groups])
    sums = np.zeros((len(names), differences.shape[1]))
    np.add.at(sums, index, differences)
    return sums, np.bincount(index, minlength=len(names)).astype(np.float64)


def _interval(sums: Floats, counts: Floats, test: LayerTest) -> tuple[Floats, Floats]:
    """The bounds of the mean (layers,) over resampled groups."""
    size = len(counts)
    rng = np.random.default_rng([test.seed, size])
    weights = rng.multinomial(size, np.full(size, 1 / size), size=test.resamples)
    tail = (1 - test.level) / 2
    low, high = np.quantile((weights @ sums) / (weights @ counts)[:, None], [tail, 1 - tail], axis=0)
    return low, high
