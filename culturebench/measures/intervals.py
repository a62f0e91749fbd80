"""Intervals in closed form, for few prompts and for shares near 0 or 1, where resampling covers too seldom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from culturebench.extras import needed

Interval = tuple[float, float]


def t_quantile(tail: float, freedom: int) -> float:
    """The value that Student's t with `freedom` exceeds with probability `tail`."""
    with needed("pipeline"):
        from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - tail))


def t_tail(value: float, freedom: int) -> float:
    """The probability that Student's t with `freedom` exceeds `value`."""
    with needed("pipeline"):
        from scipy.special import stdtr

    return float(stdtr(freedom, -value))


def expanded_tail(tail: float, freedom: int) -> float:
    """The tail of a percentile interval of few units, as wide as Student's (Hesterberg 2015, "expanded percentile")."""
    return NormalDist().cdf(-t_quantile(tail, freedom))


def wilson(share: float, n: float, t: float) -> Interval:
    """Of a share of `n` independent ones (Wilson 1927; with an effective n: Franco et al. 2019)."""
    middle = (share + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * (share * (1 - share) / n + t**2 / (4 * n**2)) ** 0.5
    return max(min(middle - half, share), 0.0), min(max(middle + half, share), 1.0)


def bonett_price(mean: float, square: float, n: float, t: float) -> Interval:
    """Of a mean of paired differences in -1..1, whose mean square is `square` (Bonett and Price 2012).

    As if two more pairs had been seen, one that gained all and one that lost all.
    """
    middle = mean * n / (n + 2)
    half = t * (((square * n + 2) / (n + 2) - middle**2) / (n + 2)) ** 0.5
    return max(min(middle - half, mean), min(-1.0, mean)), min(max(middle + half, mean), max(1.0, mean))


def student(means: Sequence[float], tail: float) -> Interval:
    """Of the mean of two or more prompts."""
    values = np.array(means)
    half = t_quantile(tail, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - half, float(values.mean()) + half


def design_effect(regions: Mapping[str, Sequence[NDArray[np.float64]]]) -> float:
    """How many pictures count as one, since those of a prompt are alike: 1 to the number of a prompt's pictures.

    `regions` holds of each region its prompts' scores, one array each. Variance of the regions' means from prompts,
    over what it would be if pictures were independent; over all regions, since four prompts do not tell it.
    """
    found = expected = pictures = prompts = 0.0
    for scores in regions.values():
        pictures, prompts = pictures + sum(map(len, scores)), prompts + len(scores)
        if len(scores) < 2:
            continue
        means, every = np.array([one.mean() for one in scores]), np.concatenate(scores)
        variance = float(means.var(ddof=1)) / len(means)
        found += variance
        expected += (float(every.var()) + variance) / len(every)
    most = pictures / prompts
    return min(max(found / expected, 1.0), most) if expected > 0 else most
