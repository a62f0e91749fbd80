"""Laying one thumbnail over another: a shift, a turn and two scales (six numbers), found by Gauss-Newton.

A placement (pairs, 6) says where in the moving picture a point (x, y) of the fixed one lies, in shares of width and
height from the middle: x' = p0 + p1 x + p2 y and y' = p3 + p4 x + p5 y (Baker and Matthews 2004, "Lucas-Kanade").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

_LONGEST_STEP = 0.05  # of width and height
_RIDGE = 1e-2


def placed(boxes: Floats) -> Floats:
    """The placements (pairs, 6) at which boxes (left, top, right, bottom, as shares) fill the fixed picture."""
    size, middle = boxes[:, 2:] - boxes[:, :2], (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    none = np.zeros_like(size[:, 0])
    return np.stack([middle[:, 0], size[:, 0], none, middle[:, 1], none, size[:, 1]], axis=1)


def warped(pictures: Floats, placements: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The pictures (pairs, channels, side, side) as the placements lay them, and where (pairs, side, side) they are."""
    pairs, channels, side = pictures.shape[:3]
    middles = _middles(side)
    p = placements[:, :, None, None]
    across = p[:, 0] + p[:, 1] * middles + p[:, 2] * middles[:, None]
    down = p[:, 3] + p[:, 4] * middles + p[:, 5] * middles[:, None]
    reach = 0.5 - 1 / side
    inside = (np.abs(across) <= reach) & (np.abs(down) <= reach)
    across, down = (np.clip((place + 0.5) * side - 0.5, 0, side - 1.001) for place in (across, down))
    column, row = across.astype(np.intp), down.astype(np.intp)
    right, below = ((place - whole).astype(np.float32)[:, None] for place, whole in ((across, column), (down, row)))
    starts = np.arange(pairs * channels).reshape(pairs, channels, 1, 1) * side * side
    places = starts + (row * side + column)[:, None]
    flat = pictures.ravel()
    left, upper, lower = flat.take(places), flat[1:].take(places), flat[side:].take(places)
    upper = left + (upper - left) * right
    lower += (flat[side + 1 :].take(places) - lower) * right
    return upper + (lower - upper) * below, inside


def align(moving: Floats, fixed: Floats, placements: Floats, margin: int, steps: int) -> tuple[Floats, Floats]:
    """Better placements of grey pictures (pairs, side, side), and what share of the contrast still differs there.

    Brightness and contrast are free, and only what both pictures show counts, `margin` pixels of the rim left out.
    """
    side = fixed.shape[-1]
    rim = np.zeros((side, side), dtype=np.float32)
    rim[margin : side - margin, margin : side - margin] = 1
    slopes = _slopes(fixed)
    best, least = placements.copy(), np.full(len(fixed), np.inf)
    for step in range(steps + 1):
        seen, inside = warped(moving[:, None], placements)
        shown = inside * rim
        target, seen = centred(fixed, shown), centred(seen[:, 0], shown)
        gain = _product(seen, target) / (_product(seen, seen) + 1e-6)
        rest = target - gain[:, None, None] * seen
        error = _product(rest, rest) / (_product(target, target) + 1e-4)
        better = error < least
        best[better], least[better] = placements[better], error[better]
        if step < steps:
            placements = placements + _step(slopes * shown[:, None], shown, target, rest)
    return best, least


def centred(values: Floats, shown: Floats) -> Floats:
    """Without the mean of what is shown, and 0 elsewhere; the last two axes are the picture's."""
    total = np.einsum("...ij->...", shown) + 1e-6
    mean = np.einsum("...ij,...ij->...", values, shown) / total
    return (values - mean[..., None, None]) * shown


def _step(slopes: Floats, shown: Floats, target: Floats, rest: Floats) -> Floats:
    """One Gauss-Newton step; what brightness and contrast explain as well is left to them."""
    pairs, numbers = slopes.shape[:2]
    flat = slopes.reshape(pairs, numbers, -1)
    ones, line, left = (values.reshape(pairs, -1, 1) for values in (shown, target, rest))
    count, power = ones.sum(axis=1, keepdims=True) + 1e-6, (line * line).sum(axis=1, keepdims=True) + 1e-6
    mean, along = flat @ ones, flat @ line
    normal = flat @ flat.transpose(0, 2, 1)
    normal -= mean @ mean.transpose(0, 2, 1) / count + along @ along.transpose(0, 2, 1) / power
    pull = flat @ left - along * (line * left).sum(axis=1, keepdims=True) / power
    step = np.linalg.solve(normal + _RIDGE * np.eye(numbers, dtype=np.float32), pull)[..., 0]
    return np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)


def _product(one: Floats, other: Floats) -> Floats:
    return np.einsum("nij,nij->n", one, other)


def _slopes(fixed: Floats) -> Floats:
    """(pairs, 6, side, side): how the picture changes with each number of a placement."""
    side = fixed.shape[-1]
    middles = _middles(side)
    down, across = (slope * side for slope in np.gradient(fixed, axis=(1, 2)))
    parts = [slope * factor for slope in (across, down) for factor in (np.float32(1), middles, middles[:, None])]
    return np.stack(parts, axis=1)


def _middles(side: int) -> Floats:
    return ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
