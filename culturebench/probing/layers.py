"""The layer that cultural attention marks, judged by a bootstrap over pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FLOAT_NOISE = 1e-9


@dataclass(frozen=True)
class Bootstrap:
    """`resamples` of the pairs are drawn from `seed`; `level` of the drawn intervals.

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
    """Delta CA of each layer (layers,) with its interval, how far it exceeds its neighbours, and the verdict."""

    delta: Floats
    low: Floats
    high: Floats
    excess: Floats  # NaN where a layer is no candidate or has no neighbour
    marked: NDArray[np.bool_]

    @property
    def layer(self) -> int | None:
        """The marked layer of the largest delta; None when none is marked."""
        return int(np.argmax(np.where(self.marked, self.delta, -np.inf))) if self.marked.any() else None


def delta_curve(differences: Floats, candidates: int, bootstrap: Bootstrap) -> Curve:
    """The curve of differences CA(P_cult) - CA(P_noun) of pairs (pairs, layers); the first `candidates` layers can win.

    A layer is marked when its delta exceeds the mean of its neighbours' (one neighbour at the ends). All
    layers are tested together: the critical value is a quantile of the resamples' largest studentized excess
    (max-T; Westfall & Young 1993), so that many layers do not make a false mark more likely.
    """
    pairs, layers = differences.shape
    delta = differences.mean(axis=0)
    resampled = _resampled_means(differences, bootstrap)
    tail = (1 - bootstrap.level) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    excess = np.full(layers, np.nan)
    marked = np.zeros(layers, dtype=np.bool_)
    if candidates > 1 and pairs > 1:
        contrast = _neighbour_contrast(candidates)
        found = contrast @ delta[:candidates]
        spread = resampled[:, :candidates] @ contrast.T - found
        excess[:candidates] = found
        marked[:candidates] = _exceeds(found, spread, pairs, bootstrap)
    return Curve(delta, low, high, excess, marked)


def _resampled_means(differences: Floats, bootstrap: Bootstrap) -> Floats:
    """Means over resampled pairs: (resamples, layers)."""
    pairs = len(differences)
    rng = np.random.default_rng([bootstrap.seed, pairs])
    weights = rng.multinomial(pairs, np.full(pairs, 1 / pairs), size=bootstrap.resamples) / pairs
    return weights @ differences


def _neighbour_contrast(layers: int) -> Floats:
    """The matrix that takes from each layer the mean of its neighbours: (layers, layers)."""
    contrast = np.eye(layers)
    for layer in range(layers):
        neighbours = [n for n in (layer - 1, layer + 1) if 0 <= n < layers]
        contrast[layer, neighbours] = -1 / len(neighbours)
    return contrast


def _exceeds(found: Floats, spread: Floats, pairs: int, bootstrap: Bootstrap) -> NDArray[np.bool_]:
    """Which excesses (layers,) are larger than chance and `min_excess`, given their resampled errors."""
    error = np.sqrt(spread.var(axis=0) * pairs / (pairs - 1)).clip(min=FLOAT_NOISE)
    critical = np.quantile((spread / error).max(axis=1), 1 - bootstrap.alpha)
    return (found / error > critical) & (found > max(bootstrap.min_excess, FLOAT_NOISE))
