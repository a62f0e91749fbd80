"""Means and differences of what people said, where prompts and people are both drawn: intervals over both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from culturebench.measures.intervals import Interval, bonett_price, expanded_tail, t_quantile, t_tail, wilson
from culturebench.measures.statistics import Floats, weights_of
from culturebench.measures.units import ONE_REGION, Units

#: (prompt id, person, value); a person may have said several things of one prompt.
Said = tuple[str, str, float]
#: Added to the seed for people, who would else get the draws of as many prompts.
_PEOPLE = 1


@dataclass(frozen=True)
class Crossed:
    """A mean or a difference, what it rests on, and the two-sided p of a difference; no interval from too few units."""

    value: float
    low: float | None
    high: float | None
    p: float | None
    prompts: int
    people: int
    answers: int


@dataclass(frozen=True)
class TwoWay:
    """The pigeonhole bootstrap (Owen 2007): prompts, within their regions, and people are drawn, each by itself.

    An answer weighs as much as its prompt times its person. By that the spread of single answers counts three times
    (Owen 2007, section 3); two of them are taken out again, which leaves the two-way clustered variance of Cameron,
    Gelbach and Miller (2011). `resamples` are drawn with `seed`; `level` is the interval's coverage.
    """

    resamples: int
    seed: int
    level: float

    def mean(self, said: Iterable[Said], units: Units = ONE_REGION, *, share: bool = False) -> Crossed | None:
        """The mean of all answers, None when there is none; of shares with Wilson's interval, as `Bootstrap.mean`."""
        side = list(said)
        if not side:
            return None
        table = _Table(side, side, units)
        value = float(table.means[0])
        if table.freedom < 1:
            return Crossed(value, None, None, None, *table.counts(side))
        resampled, variance = self._resampled(table, (1.0, 0.0))
        low, high = self._percentiles(value, resampled, variance, table.freedom)
        if share:
            spread = value * (1 - value)
            n = spread / variance if min(spread, variance) > 1e-12 else table.units
            low, high = wilson(value, n, t_quantile((1 - self.level) / 2, table.freedom))
        return Crossed(value, low, high, None, *table.counts(side))

    def difference(
        self, said: Iterable[Said], reference: Iterable[Said], units: Units = ONE_REGION, *, share: bool = False
    ) -> Crossed | None:
        """The mean of `said` minus that of `reference`, on the prompts that both have; None when they share none.

        Paired by prompt: a prompt weighs the same on both sides, whoever saw it under which condition.
        """
        first, second = list(said), list(reference)
        shared = {prompt for prompt, _, _ in first} & {prompt for prompt, _, _ in second}
        first, second = ([one for one in side if one[0] in shared] for side in (first, second))
        if not shared:
            return None
        table = _Table(first, second, units)
        value, counts = float(table.means[0] - table.means[1]), table.counts([*first, *second])
        if table.freedom < 1:
            return Crossed(value, None, None, None, *counts)
        resampled, variance = self._resampled(table, (1.0, -1.0))
        if variance > 1e-12:
            low, high = self._percentiles(value, resampled, variance, table.freedom)
            error = variance**0.5
        else:  # nobody ever said anything else: as if a pair more had gained all, and one had lost all
            t = t_quantile((1 - self.level) / 2, table.freedom)
            low, high = bonett_price(value, value**2, table.units, t) if share else (value, value)
            error = (high - low) / (2 * t)
        p = 2 * t_tail(abs(value) / error, table.freedom) if error else float(value == 0)
        return Crossed(value, low, high, p, *counts)

    def _resampled(self, table: _Table, signs: Sequence[float]) -> tuple[Floats, float]:
        """The statistic in each resample in which every side has answers, and its variance: Cameron's and others'."""
        prompts = weights_of(self.resamples, self.seed, table.sizes)
        people = weights_of(self.resamples, self.seed + _PEOPLE, (table.people,))
        values = np.zeros(self.resamples)
        for sign, sums, counts in zip(signs, table.sums, table.cells, strict=True):
            if sign:
                weight = ((prompts @ counts) * people).sum(axis=1)
                values += sign * ((prompts @ sums) * people).sum(axis=1) / np.where(weight > 0, weight, np.nan)
        values = values[np.isfinite(values)]
        found = float(values.var()) if len(values) > 1 else 0.0
        return values, max(found - 2 * table.within(signs), found / 3)

    def _percentiles(self, value: float, resampled: Floats, variance: float, freedom: int) -> Interval:
        """Of the resamples, drawn together around the value to the variance."""
        if variance <= 1e-12:
            return value, value
        tail = expanded_tail((1 - self.level) / 2, freedom)
        drawn = value + (resampled - value) * (variance / float(resampled.var())) ** 0.5
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return float(low), float(high)


class _Table:
    """Two sides' answers as sums and counts of (prompt, person): each (2, prompts, people)."""

    def __init__(self, first: Sequence[Said], second: Sequence[Said], units: Units) -> None:
        every = [*first, *second]
        drawn = units.of(prompt for prompt, _, _ in every)
        names = {name: i for i, name in enumerate(sorted({person for _, person, _ in every}))}
        self.sizes, self.people = drawn.sizes, len(names)
        self.freedom = min(drawn.freedom, self.people - 1)
        self.units = min(drawn.count, self.people)
        self.sums, self.cells = (np.zeros((2, drawn.count, self.people)) for _ in range(2))
        for side, said in enumerate((first, second)):
            prompts = np.array([drawn.index[prompt] for prompt, _, _ in said])
            people = np.array([names[person] for _, person, _ in said])
            np.add.at(self.sums[side], (prompts, people), [value for _, _, value in said])
            np.add.at(self.cells[side], (prompts, people), 1.0)
        self.means = self.sums.sum(axis=(1, 2)) / self.cells.sum(axis=(1, 2))

    def within(self, signs: Sequence[float]) -> float:
        """The variance if every (prompt, person) were independent of all others."""
        totals = self.cells.sum(axis=(1, 2))
        rests = [
            sign * (sums - cells * mean) / total
            for sign, sums, cells, mean, total in zip(signs, self.sums, self.cells, self.means, totals, strict=True)
        ]
        return float(np.square(np.sum(rests, axis=0)).sum())

    @staticmethod
    def counts(said: Sequence[Said]) -> tuple[int, int, int]:
        """Prompts, people, answers."""
        return len({prompt for prompt, _, _ in said}), len({person for _, person, _ in said}), len(said)
