"""Intervals by resampling whole prompts, paired differences, and the agreement of two judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: What one picture scored, by (prompt id, seed).
Scores = Mapping[tuple[str, int], float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, and what it rests on; `low` and `high` are None with fewer than two prompts."""

    value: float
    low: float | None
    high: float | None
    n_prompts: int
    n_images: int
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Bootstrap:
    """Resampling of prompts, with all pictures of a prompt together, since they are no independent evidence.

    As many `resamples` are drawn with `seed`; `level` is the interval's coverage (percentile method, Efron 1979).
    """

    resamples: int
    seed: int
    level: float

    def mean(self, scores: Scores) -> Estimate:
        """The mean over all pictures; ValueError when there is none."""
        prompts = _prompt_index(scores)
        sums, counts = np.zeros(len(prompts)), np.zeros(len(prompts))
        for (prompt, _), score in scores.items():
            sums[prompts[prompt]] += score
            counts[prompts[prompt]] += 1
        low, high = self._interval(len(prompts), lambda weights: (weights @ sums) / (weights @ counts))
        return estimate_of(float(sums.sum() / counts.sum()), low, high, scores)

    def difference(self, scores: Scores, reference: Scores) -> Estimate | None:
        """The mean of `scores` minus `reference` over the (prompt, seed) that both have; None when they share none."""
        shared = {key: scores[key] - reference[key] for key in scores if key in reference}
        return self.mean(shared) if shared else None

    def kappa(self, first: Mapping[tuple[str, int], str], second: Mapping[tuple[str, int], str]) -> Estimate | None:
        """Cohen's kappa (1960) of two judges over the pictures that both answered; None when there is none.

        1 is full agreement and 0 what chance gives; where chance alone gives full agreement it is taken as 1.
        """
        keys = sorted(key for key in first if key in second)
        if not keys:
            return None
        prompts = _prompt_index(dict.fromkeys(keys, 0.0))
        labels = {label: i for i, label in enumerate(sorted({side[key] for key in keys for side in (first, second)}))}
        tables = np.zeros((len(prompts), len(labels), len(labels)))  # (prompts, first's label, second's label)
        for key in keys:
            tables[prompts[key[0]], labels[first[key]], labels[second[key]]] += 1
        value = _kappas(tables.sum(axis=0, keepdims=True))[0]
        low, high = self._interval(len(prompts), lambda weights: _kappas(np.einsum("sp,pij->sij", weights, tables)))
        return estimate_of(float(value), low, high, dict.fromkeys(keys, 0.0))

    def fleiss(self, raters: Sequence[Mapping[tuple[str, int], str]]) -> Estimate | None:
        """Fleiss' kappa (1971) of all judges over the pictures that every one answered; None when there is none.

        As with `kappa`, certain agreement counts as 1.
        """
        keys = sorted(set(raters[0]).intersection(*raters[1:]))
        if not keys:
            return None
        prompts = _prompt_index(dict.fromkeys(keys, 0.0))
        labels = {label: i for i, label in enumerate(sorted({one[key] for one in raters for key in keys}))}
        votes = np.zeros((len(prompts), len(labels)))  # of all pictures of a prompt
        agreed, pictures = np.zeros(len(prompts)), np.zeros(len(prompts))
        for key in keys:
            counts = np.bincount([labels[one[key]] for one in raters], minlength=len(labels))
            votes[prompts[key[0]]] += counts
            agreed[prompts[key[0]]] += (counts * (counts - 1)).sum() / (len(raters) * (len(raters) - 1))
            pictures[prompts[key[0]]] += 1

        def statistic(weights: Floats) -> Floats:
            drawn = weights @ votes
            chance = ((drawn / drawn.sum(axis=1, keepdims=True)) ** 2).sum(axis=1)
            return _beyond_chance((weights @ agreed) / (weights @ pictures), chance)

        value = statistic(np.ones((1, len(prompts))))[0]
        low, high = self._interval(len(prompts), statistic)
        return estimate_of(float(value), low, high, dict.fromkeys(keys, 0.0))

    def _interval(self, prompts: int, statistic: Callable[[Floats], Floats]) -> tuple[float | None, float | None]:
        """The interval of `statistic`, which maps weights (resamples, prompts) to values (resamples,)."""
        if prompts < 2:
            return None, None
        tail = (1 - self.level) / 2
        low, high = np.quantile(statistic(_weights(self.resamples, self.seed, prompts)), [tail, 1 - tail])
        return float(low), float(high)


def pooled(scores: Sequence[Scores]) -> dict[tuple[str, int], float]:
    """The mean of several judges' scores of each picture that all of them scored."""
    shared = set(scores[0]).intersection(*scores[1:])
    return {key: sum(one[key] for one in scores) / len(scores) for key in sorted(shared)}


@lru_cache(maxsize=64)
def _weights(resamples: int, seed: int, prompts: int) -> Floats:
    """How often each prompt is drawn in each resample: (resamples, prompts)."""
    rng = np.random.default_rng([seed, prompts])
    return rng.multinomial(prompts, np.full(prompts, 1 / prompts), size=resamples).astype(np.float64)


def _kappas(tables: Floats) -> Floats:
    """Kappa of each contingency table: (n, labels, labels) -> (n,)."""
    total = tables.sum(axis=(1, 2))
    observed = np.trace(tables, axis1=1, axis2=2) / total
    chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1) / total**2
    return _beyond_chance(observed, chance)


def _beyond_chance(observed: Floats, chance: Floats) -> Floats:
    certain = np.isclose(chance, 1.0)
    return np.where(certain, 1.0, (observed - chance) / np.where(certain, 1.0, 1 - chance))


def _prompt_index(scores: Scores) -> dict[str, int]:
    if not scores:
        raise ValueError("no pictures to take a mean of")
    return {prompt: i for i, prompt in enumerate(sorted({prompt for prompt, _ in scores}))}


def estimate_of(value: float, low: float | None, high: float | None, scores: Scores) -> Estimate:
    """The estimate, with how many prompts and pictures and which seeds `scores` holds."""
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_prompts=len({prompt for prompt, _ in scores}),
        n_images=len(scores),
        seeds=tuple(sorted({seed for _, seed in scores})),
    )
