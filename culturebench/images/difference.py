"""How much two thumbnails still differ once one is laid over the other: the closer look at a candidate pair.

A perceptual hash is grey and coarse. Here crop and scale (four numbers) are found by Gauss-Newton on the
grey thumbnails, gain and offset of every colour channel are free, and the worst block decides: the same
bowl with another ornament, or with a ball beside it, is another picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturebench.images.hashing import VIEWS

Floats = NDArray[np.floating[Any]]

_BATCH = 512
_MARGIN = 2  # pixels at the rim, where a cut border may have left a trace
_BLOCK = 4  # pixels
_GAIN = (0.5, 2.0)
_FLOOR = 0.01  # contrast (0..1) below which noise would count as a difference
_COARSE_REDUCTION = 3
_COARSE_LIMIT = 0.45  # mean difference at a third of the size; true pairs of the atlas stay below 0.3


@dataclass(frozen=True)
class Pairs:
    """Pairs as parallel arrays (m,): view `view` of picture `first` resembles `second`, or its mirror image."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    view: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    def chosen(self, which: NDArray[np.int64] | slice) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.first[which], self.second[which], self.view[which], self.mirrored[which])


def differences(thumbnails: NDArray[np.uint8], pairs: Pairs) -> Floats:
    """For each pair the largest root-mean-square difference of a block, as a share of the picture's contrast.

    `thumbnails` is (n, side, side, 3). 0 for equal pictures; infinity where a coarse look was enough.
    """
    parts = [pairs.chosen(slice(start, start + _BATCH)) for start in range(0, len(pairs), _BATCH)]
    result = [_batch(thumbnails, part) for part in parts]
    return np.concatenate(result) if result else np.empty(0)


def _batch(thumbnails: NDArray[np.uint8], pairs: Pairs) -> Floats:
    moving = thumbnails[pairs.first].astype(np.float32) / 255  # (pairs, side, side, 3)
    fixed = thumbnails[pairs.second].astype(np.float32) / 255
    fixed[pairs.mirrored] = fixed[pairs.mirrored][:, :, ::-1]
    boxes = np.array([(x0, x1, y0, y1) for x0, y0, x1, y1 in VIEWS], dtype=np.float32)[pairs.view]
    coarse_moving, coarse_fixed = (_reduce(pictures) for pictures in (moving, fixed))
    boxes = _align(coarse_moving.mean(3), coarse_fixed.mean(3), boxes, margin=1)
    promising = _residual(coarse_moving, coarse_fixed, boxes, margin=1)[1] < _COARSE_LIMIT
    result = np.full(len(moving), np.inf)
    if promising.any():
        moving, fixed, boxes = moving[promising], fixed[promising], boxes[promising]
        boxes = _align(moving.mean(3), fixed.mean(3), boxes, margin=_MARGIN)
        result[promising] = _residual(moving, fixed, boxes, margin=_MARGIN)[0]
    return result


def _reduce(pictures: Floats) -> Floats:
    n, side = pictures.shape[:2]
    small = side // _COARSE_REDUCTION
    return pictures.reshape(n, small, _COARSE_REDUCTION, small, _COARSE_REDUCTION, 3).mean(axis=(2, 4))


def _align(moving: Floats, fixed: Floats, boxes: Floats, margin: int, steps: int = 6) -> Floats:
    """The boxes (x0, x1, y0, y1 as shares) of `moving` that look most like `fixed`; both are (pairs, side, side)."""
    side = fixed.shape[-1]
    inner = slice(margin, side - margin)
    centres = ((np.arange(side) + 0.5) / side).astype(np.float32)
    down, across = np.gradient(fixed, axis=(1, 2))
    slopes = [across * (1 - centres), across * centres, down * (1 - centres)[:, None], down * centres[:, None]]
    jacobian = np.stack(slopes, axis=1)[:, :, inner, inner] * side  # (pairs, 4, inner, inner)
    target = _centred(fixed[:, inner, inner])
    power = (target * target).sum(axis=(1, 2), keepdims=True) + 1e-6
    jacobian = _centred(jacobian)
    jacobian -= (jacobian * target[:, None]).sum(axis=(2, 3), keepdims=True) / power[:, None] * target[:, None]
    jacobian = jacobian.reshape(len(fixed), 4, -1)
    normal = jacobian @ jacobian.transpose(0, 2, 1) + 1e-2 * np.eye(4, dtype=np.float32)
    best, best_error = boxes.copy(), np.full(len(boxes), np.inf)
    for _ in range(steps):
        seen = _centred(_warp(moving, boxes)[:, inner, inner])
        rest = target - _gain(seen, target) * seen
        error = (rest * rest).mean(axis=(1, 2))
        better = error < best_error
        best[better], best_error[better] = boxes[better], error[better]
        step = np.linalg.solve(normal, jacobian @ rest.reshape(len(rest), -1, 1))[..., 0]
        boxes = np.clip(boxes + np.clip(step, -0.04, 0.04), _LOWEST, _HIGHEST).astype(np.float32)
    return best


_LOWEST = np.array([-0.14, 0.86, -0.14, 0.86], dtype=np.float32)
_HIGHEST = np.array([0.14, 1.14, 0.14, 1.14], dtype=np.float32)


def _residual(moving: Floats, fixed: Floats, boxes: Floats, margin: int) -> tuple[Floats, Floats]:
    """Worst block and mean of what remains, both as a share of `fixed`'s contrast; (pairs,) each."""
    side = fixed.shape[1]
    inner = slice(margin, side - margin)
    rest = np.zeros((len(fixed), side - 2 * margin, side - 2 * margin), dtype=np.float32)
    contrast = np.zeros(len(fixed), dtype=np.float32)
    for channel in range(3):
        seen = _centred(_warp(moving[..., channel], boxes)[:, inner, inner])
        target = _centred(fixed[:, inner, inner, channel])
        rest += (target - np.clip(_gain(seen, target), *_GAIN) * seen) ** 2 / 3
        contrast += (target * target).mean(axis=(1, 2)) / 3
    blocks = rest.shape[1] // _BLOCK
    cut = rest[:, : blocks * _BLOCK, : blocks * _BLOCK]
    worst = cut.reshape(len(rest), blocks, _BLOCK, blocks, _BLOCK).mean(axis=(2, 4)).max(axis=(1, 2), initial=0)
    scale = np.sqrt(contrast) + _FLOOR
    return np.sqrt(worst) / scale, np.sqrt(rest.mean(axis=(1, 2))) / scale


def _warp(pictures: Floats, boxes: Floats) -> Floats:
    """The part of each picture (pairs, side, side) inside its box, at the same size, bilinear."""
    side = pictures.shape[-1]
    centres = ((np.arange(side) + 0.5) / side).astype(np.float32)
    across, down = (_interpolation(boxes[:, low], boxes[:, low + 1], centres) for low in (0, 2))
    return down @ pictures @ across.transpose(0, 2, 1)


def _interpolation(low: Floats, high: Floats, centres: Floats) -> Floats:
    """(pairs, side, side) weights that sample a line at evenly spaced places between two shares."""
    side = len(centres)
    places = np.clip((low[:, None] + (high - low)[:, None] * centres) * side - 0.5, 0, side - 1)
    return np.maximum(0, 1 - np.abs(places[:, :, None] - np.arange(side, dtype=np.float32)))


def _gain(seen: Floats, target: Floats) -> Floats:
    return (seen * target).sum(axis=(1, 2), keepdims=True) / ((seen * seen).sum(axis=(1, 2), keepdims=True) + 1e-6)


def _centred(values: Floats) -> Floats:
    return values - values.mean(axis=(-2, -1), keepdims=True)
