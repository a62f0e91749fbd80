"""Krippendorff's alpha of nominal and ordinal answers, with an interval over the units."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from culturebench.measures.statistics import Floats, weights_of

Level = Literal["nominal", "ordinal"]
Interval = tuple[float, float]


def krippendorff_alpha(units: Iterable[Sequence[Hashable]], level: Level = "nominal") -> float | None:
    """Krippendorff's alpha; each unit holds the answers to one item. Ordinal answers are in their sorted order.

    1 is full agreement, 0 that of chance. None when no two answers share an item, or all are alike.
    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
    """
    pairs = coincidences(units)
    if not len(pairs):
        return None
    (found,) = _alphas(np.ones((1, len(pairs))), pairs, level)
    return float(found) if np.isfinite(found) else None


def alpha_interval(
    units: Iterable[Sequence[Hashable]], level: Level, resamples: int, seed: int, coverage: float
) -> Interval | None:
    """The percentile interval of alpha when units are drawn anew; None with fewer than two that can agree."""
    pairs = coincidences(units)
    if len(pairs) < 2:
        return None
    found = _alphas(weights_of(resamples, seed, (len(pairs),)), pairs, level)
    found = found[np.isfinite(found)]
    if not len(found):
        return None
    low, high = np.quantile(found, [(1 - coverage) / 2, (1 + coverage) / 2])
    return float(low), float(high)


def coincidences(units: Iterable[Sequence[Hashable]]) -> Floats:
    """How often two answers to one item coincide, of every unit with two or more: (units, values, values)."""
    pairable: list[Sequence[Any]] = [unit for unit in units if len(unit) > 1]
    values = {value: i for i, value in enumerate(sorted({value for unit in pairable for value in unit}))}
    counts = np.zeros((len(pairable), len(values)))
    for row, unit in zip(counts, pairable, strict=True):
        np.add.at(row, [values[value] for value in unit], 1.0)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= np.eye(len(values)) * counts[:, :, None]
    sizes = np.array([len(unit) for unit in pairable], dtype=np.float64)
    return pairs / np.maximum(sizes - 1, 1)[:, None, None]


def _alphas(weights: Floats, pairs: Floats, level: Level) -> Floats:
    """Alpha under each row of `weights` (resamples, units); not finite where all answers are alike."""
    _, count, _ = pairs.shape
    observed = (weights @ pairs.reshape(len(pairs), -1)).reshape(-1, count, count)
    totals = observed.sum(axis=2)  # (resamples, values)
    distance = np.ones((1, count, count)) - np.eye(count) if level == "nominal" else _ordinal(totals)
    size = totals.sum(axis=1)
    chance = np.einsum("sc,sk,sck->s", totals, totals, np.broadcast_to(distance, observed.shape))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - (observed * distance).sum(axis=(1, 2)) * (size - 1) / np.where(chance > 0, chance, np.nan)


def _ordinal(totals: Floats) -> Floats:
    """The squared number of answers between two values: (resamples, values, values)."""
    until = np.cumsum(totals, axis=1)
    middle = until - totals / 2
    return np.square(middle[:, :, None] - middle[:, None, :])
