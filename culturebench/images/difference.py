"""How much two thumbnails still differ once one is laid over the other: the closer look at a candidate pair.

A perceptual hash is grey and coarse. Here the two are aligned, and the worst part decides: the same bowl with another
ornament, or with a ball beside it, is another picture. It is asked for in three ways: in colour, where brightness and
contrast alone are free; colour-blind, for pictures made grey or recoloured, where any local mixture of one's colours
may give the other's grey; and under a veil, for watermarks, where half transparent letters may lie on one of both.
Colours are all that a plain picture has, a gradient say: there they have to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from culturebench.images.alignment import align, centred, placed, warped
from culturebench.images.hashing import VIEWS

Floats = NDArray[np.floating[Any]]

_BATCH: Final = 32  # pairs in full size that a processor's cache holds; more of reduced ones
_MARGIN: Final = 2  # pixels at the rim, where a cut border may have left a trace
_BLOCK: Final = 4  # pixels, of the look in colour
_WINDOW: Final = 12  # pixels, of the colour-blind one; windows overlap by half
_SEEN: Final = 0.6  # share of a block that both pictures have to show
_GAIN: Final = (0.5, 2.0)
_FLOOR: Final = 0.01  # contrast (0..1) below which noise would count as a difference
_NOISE: Final = 7e-5  # variance (0..1) of a window that no mixture of colours follows
_RIDGE: Final = 3e-3  # share of the variance, of a mixture of colours
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # red, green, blue, as pictures are made grey
#: Coarse looks: by how much thumbnails are reduced, steps of the alignment, and the share of the contrast that may
#: still differ then; copies of photographs mostly stay below a third of it.
_COARSE: Final = ((4, 0, 0.35), (2, 3, 0.15))
_STEPS: Final = 2  # of the alignment in full size
_VEIL: Final = 0.55  # opacity that no watermark exceeds
_CHANNEL: Final = 0.8  # weight of what a single channel has left
_GREY: Final = 0.02  # chroma (0..1) below which a picture counts as grey
_PLAIN: Final = 0.1  # share of the contrast beyond a smooth surface; photographs have more than twice as much


@dataclass(frozen=True)
class Pairs:
    """Pairs as parallel arrays (m,): view `view` of picture `first` resembles `second`, or its mirror image."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    view: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    def chosen(self, which: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.first[which], self.second[which], self.view[which], self.mirrored[which])


def differences(thumbnails: NDArray[np.uint8], pairs: Pairs) -> Floats:
    """For each pair what differs in the worst part (m, 3): in colour, colour-blind and under a veil.

    Shares of the contrast, 0 for equal pictures; infinity where a coarse look was enough, and for a plain picture in
    all ways but colour. `thumbnails` is (n, side, side, 3).
    """
    result = np.full((len(pairs), 3), np.inf)
    left, placements = np.arange(len(pairs)), placed(np.array(VIEWS, dtype=np.float32)[pairs.view])
    for reduction, steps, limit in _COARSE:
        error = np.empty(len(left))
        for part in _batches(len(left), _BATCH * reduction):
            moving, fixed = _both(thumbnails, pairs.chosen(left[part]), reduction)
            placements[part], error[part] = _laid(moving, fixed, placements[part], 1, steps)
        left, placements = left[error <= limit], placements[error <= limit]
    for part in _batches(len(left), _BATCH):
        moving, fixed = _both(thumbnails, pairs.chosen(left[part]), 1)
        better, _ = _laid(moving, fixed, placements[part], _MARGIN, _STEPS)
        result[left[part]] = _worst_parts(moving, fixed, better)
    return result


def _batches(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _both(thumbnails: NDArray[np.uint8], pairs: Pairs, reduction: int) -> tuple[Floats, Floats]:
    """Both pictures of each pair (pairs, side, side, 3) at a part of the size, 0..1, the second mirrored if it is."""
    moving, fixed = (_reduced(thumbnails[side], reduction) for side in (pairs.first, pairs.second))
    fixed[pairs.mirrored] = fixed[pairs.mirrored][:, :, ::-1]
    return moving, fixed


def _laid(moving: Floats, fixed: Floats, placements: Floats, margin: int, steps: int) -> tuple[Floats, Floats]:
    return align(_mixed(moving, fixed, placements), fixed @ _LUMINANCE, placements, margin, steps)


def _mixed(moving: Floats, fixed: Floats, placements: Floats) -> Floats:
    """The mixture (pairs, side, side) of `moving`'s colours most like the other's grey: recoloured pictures align."""
    seen, inside = warped(moving, placements)
    shown = inside.astype(np.float32)
    colours = centred(seen.transpose(0, 3, 1, 2), shown[:, None])
    grey = centred(fixed @ _LUMINANCE, shown)
    table = np.einsum("ncij,ndij->ncd", colours, colours)
    ridge = _RIDGE * np.trace(table, axis1=1, axis2=2)[:, None, None] + _NOISE
    pull = np.einsum("ncij,nij->nc", colours, grey)[..., None]
    mixture = np.linalg.solve(table + ridge * np.eye(3, dtype=np.float32), pull)
    return (moving @ mixture[:, None].astype(np.float32))[..., 0]


def _worst_parts(moving: Floats, fixed: Floats, placements: Floats) -> Floats:
    seen, inside = warped(moving, placements)
    shown = np.zeros(inside.shape, dtype=np.float32)
    inner = slice(_MARGIN, inside.shape[1] - _MARGIN)
    shown[:, inner, inner] = inside[:, inner, inner]
    plain = (_detail(moving[:, ::2, ::2]) < _PLAIN) | (_detail(fixed[:, ::2, ::2]) < _PLAIN)
    raw, target = seen.transpose(0, 3, 1, 2), fixed.transpose(0, 3, 1, 2)
    still, goal = centred(raw, shown[:, None]), centred(target, shown[:, None])
    blind = _colour_blind(still, goal, shown)
    veiled = np.minimum(_veiled(raw, target, shown), _veiled(target, raw, shown))
    still[plain], goal[plain] = raw[plain] * shown[plain, None], target[plain] * shown[plain, None]
    colour = _in_colour(still, goal, shown, plain)
    return np.stack([colour, *(np.where(plain, np.inf, look) for look in (blind, veiled))], axis=1)


def _in_colour(seen: Floats, target: Floats, shown: Floats, plain: NDArray[np.bool_]) -> Floats:
    """Worst block of (pairs, 3, side, side); the gain of each channel is free, unless the picture is plain."""
    gain = np.einsum("ncij,ncij->nc", seen, target) / (np.einsum("ncij,ncij->nc", seen, seen) + 1e-6)
    gain = np.where(plain[:, None], 1, np.clip(gain, *_GAIN)).astype(np.float32)
    return _worst_block(target - gain[:, :, None, None] * seen, target, shown)


def _veiled(bare: Floats, marked: Floats, shown: Floats) -> Floats:
    """Worst part of what `marked` (pairs, 3, side, side) has beyond `bare` under half transparent white letters.

    Letters only lighten, let the picture shine through, and leave gaps; another ornament or ground does not.
    """
    added = marked - bare
    allowed = np.clip(added, 0, _VEIL * (1 - bare))
    beyond = _worst_block(added - allowed, marked, shown)
    count, grey = _windows(shown), added.mean(axis=1) * shown
    total = np.maximum(count, 1)
    mean = _windows(grey) / total
    spread = np.sqrt(np.maximum(_windows(grey * grey) / total - mean * mean, 0))
    gapless = np.where(count >= _SEEN * _WINDOW**2, mean - spread, 0).max(axis=(1, 2))
    return np.maximum(beyond, gapless / (_colour_contrast(marked, shown) + _FLOOR))


def _worst_block(rest: Floats, target: Floats, shown: Floats) -> Floats:
    """The most that a block of `rest` (pairs, 3, side, side) has, as a share of the contrast of `target`."""
    count = _summed(shown, _BLOCK)
    left = _summed(np.einsum("ncij,ncij->nij", rest, rest) * shown / 3, _BLOCK) / np.maximum(count, 1)
    worst = np.where(count >= _SEEN * _BLOCK**2, left, 0).max(axis=(1, 2))
    return np.sqrt(worst) / (_colour_contrast(target, shown) + _FLOOR)


def _colour_blind(seen: Floats, target: Floats, shown: Floats) -> Floats:
    """Worst window: what the best mixture of one's colours there leaves of the other's, the harder way round.

    Of its grey; and, unless one of both is grey, of a single channel by `_CHANNEL`: a red ball on an equally bright
    wall, say, has no other trace.
    """
    count = _windows(shown)
    enough = (count >= _SEEN * _WINDOW**2)[:, None]
    coloured = (np.minimum(_chroma(seen), _chroma(target)) >= _GREY)[:, None]
    ways: list[Floats] = []
    for one, other in ((seen, target), (target, seen)):
        grey = np.tensordot(other, _LUMINANCE, (1, 0))
        left = _unexplained([*one.transpose(1, 0, 2, 3)], [grey, *other.transpose(1, 0, 2, 3)], count)
        worst = np.sqrt(np.where(enough, np.maximum(left, 0), 0).max(axis=(2, 3)))  # (pairs, 4)
        worst[:, :1] /= _contrast(grey * grey, shown)[:, None] + _FLOOR
        squares = np.einsum("ncij,ncij->nij", other, other) / 3
        worst[:, 1:] *= _CHANNEL * coloured / (_contrast(squares, shown)[:, None] + _FLOOR)
        ways.append(worst.max(axis=1))
    return np.maximum(*ways)


def _unexplained(mixed: list[Floats], others: list[Floats], count: Floats) -> Floats:
    """Variance in each window of each of `others` beyond what a mixture of the pictures `mixed` has there.

    Pictures are (pairs, side, side); windows (pairs, k, k), as `count` is, the pixels of each that both show. The
    result is (pairs, others, k, k).
    """
    values, total = [*mixed, *others], np.maximum(count, 1)
    means = [_windows(one) / total for one in values]
    table = np.zeros((len(values), len(values), *count.shape), dtype=np.float32)  # of covariances
    for i, j in combinations_with_replacement(range(len(values)), 2):
        if i < len(mixed) or i == j:
            covariance = _windows(values[i] * values[j]) / total - means[i] * means[j]
            table[i, j] = table[j, i] = covariance
    for i in range(len(mixed)):  # Gaussian elimination
        table = table - table[:, i, None] * (table[i] / (table[i, i] + _NOISE))[None]
    return np.stack([table[i, i] for i in range(len(mixed), len(values))], axis=1)


def _chroma(pictures: Floats) -> Floats:
    """Mean distance of a channel of (pairs, 3, side, side) from the grey, (pairs,)."""
    return np.abs(pictures - pictures.mean(axis=1, keepdims=True)).mean(axis=(1, 2, 3))


def _detail(pictures: Floats) -> Floats:
    """What share of the grey contrast of (pairs, side, side, 3) is beyond a smooth, quadratic surface."""
    side = pictures.shape[1]
    surface = _surface(side)
    grey = (pictures @ _LUMINANCE).reshape(len(pictures), -1)
    grey = grey - grey.mean(axis=1, keepdims=True)
    rough = grey - grey @ surface @ surface.T
    return np.linalg.norm(rough, axis=1) / (np.linalg.norm(grey, axis=1) + _FLOOR * side)


@cache
def _surface(side: int) -> Floats:
    """(pixels, 6), orthogonal: what quadratic surfaces are made of."""
    place = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = np.broadcast_to(place, (side, side)), np.broadcast_to(place[:, None], (side, side))
    return np.linalg.qr(np.stack([x * 0 + 1, x, y, x * x, x * y, y * y]).reshape(6, -1).T)[0]


def _colour_contrast(pictures: Floats, shown: Floats) -> Floats:
    around = centred(pictures, shown[:, None])
    return _contrast(np.einsum("ncij,ncij->nij", around, around) / 3, shown)


def _contrast(squares: Floats, shown: Floats) -> Floats:
    return np.sqrt(np.einsum("nij->n", squares) / np.maximum(np.einsum("nij->n", shown), 1))


def _summed(values: Floats, block: int) -> Floats:
    """Sums over blocks of the last two axes."""
    rows = sum((values[..., start::block, :] for start in range(1, block)), start=values[..., ::block, :])
    return sum((rows[..., start::block] for start in range(1, block)), start=rows[..., ::block])


def _windows(values: Floats) -> Floats:
    """Sums over windows that begin at every half of one."""
    halves = _summed(values, _WINDOW // 2)
    rows = halves[..., :-1, :] + halves[..., 1:, :]
    return rows[..., :-1] + rows[..., 1:]


def _reduced(pictures: NDArray[np.uint8], factor: int) -> Floats:
    values = pictures.astype(np.uint16)
    rows = sum((values[:, start::factor] for start in range(1, factor)), start=values[:, ::factor])
    both = sum((rows[:, :, start::factor] for start in range(1, factor)), start=rows[:, :, ::factor])
    return both.astype(np.float32) / np.float32(255 * factor**2)
