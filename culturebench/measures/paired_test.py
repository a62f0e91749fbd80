"""A test of paired differences that flips the signs of whole prompts, and Holm's correction for several tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturebench.measures.statistics import Floats, Scores

AT_ONCE = 1000  # permutations, which bounds the memory


@dataclass(frozen=True)
class SignFlip:
    """Fisher's randomisation test (1935) for pairs; prompts are the unit, since pictures of one are alike.

    Without an effect, which of its two conditions made a prompt's pictures is a coin's toss, so that the sign of the
    prompt's difference is. `permutations` tosses are drawn with `seed`; all of them when there are no more.
    """

    permutations: int
    seed: int

    def p_value(self, scores: Scores, reference: Scores) -> float | None:
        """Two-sided p of the mean difference over the (prompt, seed) that both have; None when they share none.

        Exact where all sign patterns are tried, else (1 + as extreme ones) / (1 + drawn ones), which keeps the level
        (Phipson and Smyth 2010).
        """
        sums: dict[str, float] = {}
        for key in sorted(scores):
            if key in reference:
                sums[key[0]] = sums.get(key[0], 0.0) + scores[key] - reference[key]
        if not sums:
            return None
        differences = np.array(list(sums.values()))
        observed = abs(differences.sum()) * (1 - 1e-9) - 1e-12  # equal ones count as extreme, whatever the rounding
        exact = 2 ** len(differences) <= self.permutations
        drawn = self._all(len(differences)) if exact else self._drawn(len(differences))
        extreme = sum(int((np.abs(signs @ differences) >= observed).sum()) for signs in drawn)
        return extreme / 2 ** len(differences) if exact else (1 + extreme) / (1 + self.permutations)

    def _all(self, prompts: int) -> Iterator[Floats]:
        """Every pattern of signs, in parts: (patterns, prompts)."""
        for start in range(0, 2**prompts, AT_ONCE):
            numbers = np.arange(start, min(start + AT_ONCE, 2**prompts))
            yield _signs((numbers[:, None] >> np.arange(prompts)) & 1)

    def _drawn(self, prompts: int) -> Iterator[Floats]:
        """Drawn patterns, the same for every comparison over as many prompts: (patterns, prompts)."""
        rng = np.random.default_rng([self.seed, prompts])
        for start in range(0, self.permutations, AT_ONCE):
            size = (min(AT_ONCE, self.permutations - start), prompts)
            yield _signs(rng.integers(0, 2, size, dtype=np.int8))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979): those at most α leave the chance of any false finding among them at α."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def _signs(bits: NDArray[Any]) -> Floats:
    return np.where(bits == 1, -1.0, 1.0)
