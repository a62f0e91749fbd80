"""A test of paired differences that flips the signs of whole prompts or regions, and Holm's correction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturebench.measures.statistics import Floats, Scores
from culturebench.measures.units import ONE_REGION, Drawn, Units

AT_ONCE = 1000  # permutations, which bounds the memory


@dataclass(frozen=True)
class SignFlip:
    """Fisher's randomisation test (1935) for pairs; units are flipped whole, since their pictures are alike.

    By prompt it asks whether the condition changes these regions: the mean difference over its standard error within
    regions, under flips of each prompt. It is exact where the condition changes no prompt, and asymptotically so where
    its changes cancel out over the regions (Fogarty 2018; Wu and Ding 2021). By region it asks whether it changes
    regions like these: whole regions are flipped, which needs few of them, and changes that are as likely up as down
    without an effect (Canay, Romano and Shaikh 2017).

    `permutations` patterns are drawn with `seed`; all of them when there are no more.
    """

    permutations: int
    seed: int

    def p_value(self, scores: Scores, reference: Scores, units: Units = ONE_REGION) -> float | None:
        """Two-sided p of the mean difference over the (prompt, seed) that both have; None when they share none.

        Exact where all sign patterns are tried, else (1 + as extreme ones) / (1 + drawn ones), which keeps the level
        (Phipson and Smyth 2010).
        """
        shared = [key for key in sorted(scores) if key in reference]
        if not shared:
            return None
        drawn = units.of(prompt for prompt, _ in shared)
        differences = np.zeros(drawn.count)
        for key in shared:
            differences[drawn.index[key[0]]] += scores[key] - reference[key]
        exact = 2**drawn.count <= self.permutations
        observed = float(_statistic(np.ones((1, drawn.count)), differences, drawn)[0])
        threshold = observed * (1 - 1e-6) - 1e-12  # equal ones count as extreme, whatever the rounding
        patterns = self._all(drawn.count) if exact else self._drawn(drawn.count)
        extreme = sum(int((_statistic(signs, differences, drawn) >= threshold).sum()) for signs in patterns)
        return extreme / 2**drawn.count if exact else (1 + extreme) / (1 + self.permutations)

    def _all(self, prompts: int) -> Iterator[Floats]:
        """Every pattern of signs, in parts: (patterns, prompts)."""
        for start in range(0, 2**prompts, AT_ONCE):
            numbers = np.arange(start, min(start + AT_ONCE, 2**prompts))
            yield _signs((numbers[:, None] >> np.arange(prompts)) & 1)

    def _drawn(self, prompts: int) -> Iterator[Floats]:
        """Drawn patterns, the same for every comparison over as many prompts: (patterns, prompts)."""
        bits = _bits(self.permutations, self.seed, prompts)
        for start in range(0, self.permutations, AT_ONCE):
            yield _signs(bits[start : start + AT_ONCE])


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979): those at most α leave the chance of any false finding among them at α."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def _statistic(signs: Floats, differences: Floats, drawn: Drawn) -> Floats:
    """The size of the sum over its standard error within strata, for each pattern of signs: (patterns,)."""
    starts = np.cumsum([0, *drawn.sizes[:-1]])  # units stand stratum by stratum
    sums = np.add.reduceat(signs * differences, starts, axis=1)  # (patterns, strata)
    sizes, squares = np.array(drawn.sizes, dtype=np.float64), np.add.reduceat(differences**2, starts)
    within = np.maximum(squares - sums**2 / sizes, 0.0) * (sizes / np.maximum(sizes - 1, 1))
    error = np.sqrt(within.sum(axis=1) + 1e-9 * squares.sum())  # a pattern without any spread stays finite
    return np.abs(sums.sum(axis=1)) / np.where(error > 0, error, 1.0)


@lru_cache(maxsize=4)
def _bits(permutations: int, seed: int, prompts: int) -> NDArray[np.int8]:
    """(permutations, prompts) zeros and ones, drawn once for all comparisons over as many prompts."""
    rng = np.random.default_rng([seed, prompts])
    parts = range(0, permutations, AT_ONCE)
    drawn = [rng.integers(0, 2, (min(AT_ONCE, permutations - one), prompts), dtype=np.int8) for one in parts]
    return np.concatenate(drawn)


def _signs(bits: NDArray[Any]) -> Floats:
    return np.where(bits == 1, -1.0, 1.0)
