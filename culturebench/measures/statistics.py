"""Intervals by resampling prompts within their regions or whole regions, paired differences, and agreement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from culturebench.measures.intervals import (
    Interval,
    bonett_price,
    design_effect,
    expanded_tail,
    student,
    t_quantile,
    wilson,
)
from culturebench.measures.units import ONE_REGION, Drawn, Units

#: What one picture scored, by (prompt id, seed).
Scores = Mapping[tuple[str, int], float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, and what it rests on; `low` and `high` are None with fewer than two units."""

    value: float
    low: float | None
    high: float | None
    n_prompts: int
    n_images: int
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Bootstrap:
    """Resampling of units with all their pictures together, since they are no independent evidence.

    As many `resamples` are drawn with `seed`; `level` is the interval's coverage. Of a stratum's n units n - 1 are
    drawn and weigh n / (n - 1), so that four prompts a region show their whole spread (Rao and Wu 1988); percentile
    intervals are as much wider as Student's t is (Hesterberg 2015).
    """

    resamples: int
    seed: int
    level: float

    def mean(self, scores: Scores, units: Units = ONE_REGION, *, share: bool = False) -> Estimate:
        """The mean over all pictures; ValueError when there is none.

        With `share`, for scores in 0..1, the interval is Wilson's with the number of independent pictures that has
        the variance of the resamples; as many as units where nothing varied.
        """
        value, means, drawn = self._mean(scores, units)
        if means is None:
            return estimate_of(value, None, None, scores, units)
        if not share:
            return estimate_of(value, *self._percentiles(means, drawn), scores, units)
        n = independent(value * (1 - value), means, drawn)
        return estimate_of(value, *wilson(value, n, t_quantile(self._tail, drawn.freedom)), scores, units)

    def difference(
        self, scores: Scores, reference: Scores, units: Units = ONE_REGION, *, share: bool = False
    ) -> Estimate | None:
        """The mean of `scores` minus `reference` over the (prompt, seed) that both have; None when they share none.

        With `share`, for scores in 0..1, the interval is Bonett's and Price's, with the number of independent pairs
        as for a mean: resamples of a rare change over few units are skewed, and cover it too seldom.
        """
        shared = _differences(scores, reference)
        if not shared:
            return None
        if not share:
            return self.mean(shared, units)
        value, means, drawn = self._mean(shared, units)
        if means is None:
            return estimate_of(value, None, None, shared, units)
        square = float(np.mean(np.square(list(shared.values()))))
        n = independent(square - value**2, means, drawn)
        return estimate_of(value, *bonett_price(value, square, n, t_quantile(self._tail, drawn.freedom)), shared, units)

    def means_by_region(self, scores: Scores, units: Units, *, share: bool = False) -> dict[str, Estimate]:
        """The mean of each region; of shares with Wilson's interval, else Student's."""
        return self._by_region(scores, units, wilson_of if share else None)

    def differences_by_region(
        self, scores: Scores, reference: Scores, units: Units, *, share: bool = False
    ) -> dict[str, Estimate]:
        """The paired difference of each region: Bonett's and Price's interval of shares, else Student's."""
        return self._by_region(_differences(scores, reference), units, bonett_price_of if share else None)

    def _by_region(
        self, scores: Scores, units: Units, closed: Callable[[Floats, float, float], Interval] | None
    ) -> dict[str, Estimate]:
        regions = by_region(scores, units.regions)
        arrays = {code: _by_unit(own, units) for code, own in regions.items()}
        freedom = sum(len(prompts) - 1 for prompts in arrays.values())
        alike = design_effect(arrays) if closed and arrays else 1.0
        found: dict[str, Estimate] = {}
        for code, prompts in arrays.items():
            every = np.concatenate(prompts)
            low = high = None
            if len(prompts) > 1 and closed:
                low, high = closed(every, len(every) / alike, t_quantile(self._tail, freedom))
            elif len(prompts) > 1:
                low, high = student([float(one.mean()) for one in prompts], self._tail)
            found[code] = estimate_of(float(every.mean()), low, high, regions[code], units)
        return found

    def kappa(
        self,
        first: Mapping[tuple[str, int], str],
        second: Mapping[tuple[str, int], str],
        units: Units = ONE_REGION,
    ) -> Estimate | None:
        """Cohen's kappa (1960) of two judges over the pictures that both answered; None when there is none.

        1 is full agreement and 0 what chance gives; where chance alone gives full agreement it is taken as 1, without
        an interval.
        """
        return self._agreement([first, second], units, cohen=True)

    def fleiss(self, raters: Sequence[Mapping[tuple[str, int], str]], units: Units = ONE_REGION) -> Estimate | None:
        """Fleiss' kappa (1971) of all judges over the pictures that every one answered; None when there is none.

        As with `kappa`, certain agreement counts as 1.
        """
        return self._agreement(raters, units, cohen=False)

    def _agreement(
        self, raters: Sequence[Mapping[tuple[str, int], str]], units: Units, *, cohen: bool
    ) -> Estimate | None:
        """Both kappas: the agreement that was seen beyond what chance gives; None without a picture in common."""
        keys = sorted(set(raters[0]).intersection(*raters[1:]))
        if not keys:
            return None
        drawn = units.of(prompt for prompt, _ in keys)
        labels = {label: i for i, label in enumerate(sorted({one[key] for one in raters for key in keys}))}
        votes = np.zeros((len(raters), drawn.count, len(labels)))
        agreed, pictures = np.zeros(drawn.count), np.zeros(drawn.count)
        for key in keys:
            unit, said = drawn.index[key[0]], [labels[one[key]] for one in raters]
            for rater, label in enumerate(said):
                votes[rater, unit, label] += 1
            counts = np.bincount(said)
            agreed[unit] += (counts * (counts - 1)).sum() / (len(raters) * (len(raters) - 1))
            pictures[unit] += 1

        def parts(weights: Floats) -> tuple[Floats, Floats]:
            total = weights @ pictures
            shares = np.einsum("su,rul->srl", weights, votes) / total[:, None, None]
            chance = np.prod(shares, axis=1) if cohen else shares.mean(axis=1) ** 2
            return (weights @ agreed) / total, chance.sum(axis=1)

        (observed,), (chance,) = parts(np.ones((1, drawn.count)))
        value = float(_beyond_chance(np.array([observed]), np.array([chance]))[0])
        none = dict.fromkeys(keys, 0.0)
        if np.isclose(chance, 1.0):
            return estimate_of(value, None, None, none, units)
        values = self._resampled(drawn, lambda weights: _beyond_chance(*parts(weights)))
        if values is None:
            return estimate_of(value, None, None, none, units)
        low, high = self._percentiles(values, drawn)
        if high - low <= 1e-12:  # full agreement: Wilson's of the agreement, chance's as it was seen
            bounds = wilson(float(observed), drawn.count, t_quantile(self._tail, drawn.freedom))
            low, high = (float((bound - chance) / (1 - chance)) for bound in bounds)
        return estimate_of(value, low, high, none, units)

    @property
    def _tail(self) -> float:
        return (1 - self.level) / 2

    def _mean(self, scores: Scores, units: Units) -> tuple[float, Floats | None, Drawn]:
        """The mean, its resamples (resamples,), and the units."""
        drawn, sums, counts = _summed(scores, units)
        means = self._resampled(drawn, lambda weights: (weights @ sums) / (weights @ counts))
        return float(sums.sum() / counts.sum()), means, drawn

    def _resampled(self, drawn: Drawn, statistic: Callable[[Floats], Floats]) -> Floats | None:
        """`statistic` maps weights (resamples, units) to values (resamples,); None with fewer than two units."""
        if drawn.freedom < 1:
            return None
        return statistic(weights_of(self.resamples, self.seed, drawn.sizes))

    def _percentiles(self, values: Floats, drawn: Drawn) -> Interval:
        tail = expanded_tail(self._tail, drawn.freedom)
        low, high = np.quantile(values, [tail, 1 - tail])
        return float(low), float(high)


def independent(spread: float, means: Floats, drawn: Drawn) -> float:
    """How many independent pictures of this variance have the variance of resampled `means`; units if none varied.

    The effective n of Franco et al. (2019).
    """
    variance = float(means.var())
    return spread / variance if variance > 1e-12 and spread > 1e-12 else drawn.count


def wilson_of(scores: Floats, n: float, t: float) -> Interval:
    """Wilson's interval of the mean of `scores` (pictures,), as `n` independent ones."""
    return wilson(float(scores.mean()), n, t)


def bonett_price_of(scores: Floats, n: float, t: float) -> Interval:
    """Bonett's and Price's interval of the mean of differences (pictures,), as `n` independent ones."""
    return bonett_price(float(scores.mean()), float(np.square(scores).mean()), n, t)


def pooled(scores: Sequence[Scores]) -> dict[tuple[str, int], float]:
    """The mean of several judges' scores of each picture that all of them scored."""
    shared = set(scores[0]).intersection(*scores[1:])
    return {key: sum(one[key] for one in scores) / len(scores) for key in sorted(shared)}


@lru_cache(maxsize=64)
def weights_of(resamples: int, seed: int, sizes: tuple[int, ...]) -> Floats:
    """How much each unit counts in each resample: (resamples, units)."""
    parts: list[Floats] = []
    for number, n in enumerate(sizes):
        rng = np.random.default_rng([seed, n, number])
        counts = rng.multinomial(n - 1, np.full(n, 1 / n), size=resamples).astype(np.float64)
        parts.append(counts * (n / (n - 1)))
    return np.concatenate(parts, axis=1)


def _beyond_chance(observed: Floats, chance: Floats) -> Floats:
    certain = np.isclose(chance, 1.0)
    return np.where(certain, 1.0, (observed - chance) / np.where(certain, 1.0, 1 - chance))


def by_region(scores: Scores, regions: Mapping[str, str]) -> dict[str, dict[tuple[str, int], float]]:
    """Region -> its own scores, in their order; `regions` maps a prompt id to its region, "" where it has none."""
    found: dict[str, dict[tuple[str, int], float]] = {}
    for key, score in scores.items():
        found.setdefault(regions.get(key[0], ""), {})[key] = score
    return found


def _by_unit(scores: Scores, units: Units) -> list[Floats]:
    prompts: dict[str, list[float]] = {}
    for (prompt, _), score in scores.items():
        prompts.setdefault(units.one(prompt), []).append(score)
    return [np.array(one) for one in prompts.values()]


def _differences(scores: Scores, reference: Scores) -> dict[tuple[str, int], float]:
    return {key: scores[key] - reference[key] for key in scores if key in reference}


def _summed(scores: Scores, units: Units) -> tuple[Drawn, Floats, Floats]:
    """The units, and of each the sum of its scores and how many there are."""
    if not scores:
        raise ValueError("no pictures to take a mean of")
    drawn = units.of(prompt for prompt, _ in scores)
    sums, counts = np.zeros(drawn.count), np.zeros(drawn.count)
    for (prompt, _), score in scores.items():
        sums[drawn.index[prompt]] += score
        counts[drawn.index[prompt]] += 1
    return drawn, sums, counts


def estimate_of(
    value: float, low: float | None, high: float | None, scores: Scores, units: Units = ONE_REGION
) -> Estimate:
    """The estimate, with how many prompts, the same words once, how many pictures and which seeds `scores` holds."""
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_prompts=len({units.one(prompt) for prompt, _ in scores}),
        n_images=len(scores),
        seeds=tuple(sorted({seed for _, seed in scores})),
    )
