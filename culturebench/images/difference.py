"""How much two thumbnails still differ once one is laid over the other: the closer look at a candidate pair.

A perceptual hash is grey and coarse. Here the two are aligned, and the worst part decides: the same bowl with another
ornament, or with a ball beside it, is another picture. It is asked for in three ways: in colour, where brightness and
contrast alone are free; colour-blind, for pictures made grey or recoloured, where any local mixture of one's colours
may give the other's grey; and under a veil, for watermarks, where half transparent letters may lie on one of both.
Colours are all that a plain picture has, a gradient say: there they have to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from culturebench.images.alignment import align, centred, placed, warped
from culturebench.images.hashing import VIEWS

Floats = NDArray[np.floating[Any]]

_BATCH: Final = 4  # pairs in full size: larger arrays are new memory each time, whose pages cost more than the sums
#: Shares of the side: of the rim, where a cut border may have left a trace, of a block of the look in colour, and of a
#: window of the colour-blind one; windows overlap by half.
_RIM, _BLOCK, _WINDOW = 1 / 24, 1 / 12, 1 / 4
_SEEN: Final = 0.6  # share of a block that both pictures have to show
_GAIN: Final = (0.5, 2.0)
_FLOOR: Final = 0.01  # contrast (0..1) below which noise would count as a difference
_NOISE: Final = 7e-5  # variance (0..1) of a window that no mixture of colours follows
_RIDGE: Final = 3e-3  # share of the variance, of a mixture of colours
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # red, green, blue, as pictures are made grey
_VEIL: Final = 0.55  # opacity that no watermark exceeds
_CHANNEL: Final = 0.8  # weight of what a single channel has left
_BRIGHTNESS: Final = 0.8  # weight of a window that is lighter or darker than gain and offset tell
_GREY: Final = 0.02  # chroma (0..1) below which a picture counts as grey
_DETAIL_SIDE: Final = 24  # pixels at which it is asked how plain a picture is
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


class _Look(NamedTuple):
    """One look at what the looks before left."""

    reduction: int  # of the thumbnails' sides
    steps: int  # of the alignment
    max_error: float  # share of the contrast's square that may still differ; copies of photographs mostly keep 0.1
    ways: int  # of the three in which the worst part is asked for; veils need the full size
    slack: float  # on their limits: the pictures are not yet laid as well


_LOOKS: Final = (_Look(4, 0, 0.35, 0, 0), _Look(2, 4, 0.15, 2, 2.4), _Look(1, 2, np.inf, 3, 1))


def alike(thumbnails: NDArray[np.uint8], pairs: Pairs, limits: Sequence[float]) -> NDArray[np.bool_]:
    """Whether the worst part of each pair (m,) keeps one of three limits: in colour, colour-blind, under a veil.

    Limits are shares of the contrast, 0 for equal pictures; a plain picture has to keep the first. `thumbnails` is
    (n, side, side, 3). A cheap look at a part of the size comes first and spares most pairs the dear ones.
    """
    left, placements = np.arange(len(pairs)), placed(np.array(VIEWS, dtype=np.float32)[pairs.view])
    for look in _LOOKS:
        within = [look.slack * limit for limit in limits[: look.ways]]
        passed = np.zeros(len(left), dtype=np.bool_)
        for part in _batches(len(left), _BATCH * look.reduction**2):
            moving, fixed = _both(thumbnails, pairs.chosen(left[part]), look.reduction)
            placements[part], error = _laid(moving, fixed, placements[part], look.steps)
            passed[part] = error <= look.max_error
            near = np.flatnonzero(passed[part])
            if within and len(near):
                passed[part][near] = _keeping(moving[near], fixed[near], placements[part][near], within)
        left, placements = left[passed], placements[passed]
    result = np.zeros(len(pairs), dtype=np.bool_)
    result[left] = True
    return result


def _batches(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _both(thumbnails: NDArray[np.uint8], pairs: Pairs, reduction: int) -> tuple[Floats, Floats]:
    """Both pictures of each pair (pairs, 3, side, side) at a part of the size, 0..1, the second mirrored if it is."""
    moving, fixed = (_reduced(thumbnails[side], reduction) for side in (pairs.first, pairs.second))
    fixed[pairs.mirrored] = fixed[pairs.mirrored][..., ::-1]
    return moving, fixed


def _laid(moving: Floats, fixed: Floats, placements: Floats, steps: int) -> tuple[Floats, Floats]:
    grey = _grey(fixed)
    return align(_mixed(moving, grey, placements), grey, placements, _margin(fixed), steps)


def _margin(pictures: Floats) -> int:
    return max(1, round(_RIM * pictures.shape[-1]))


def _grey(pictures: Floats) -> Floats:
    """(pairs, side, side) of (pairs, 3, side, side)."""
    return (_LUMINANCE @ pictures.reshape(len(pictures), 3, -1)).reshape(len(pictures), *pictures.shape[2:])


def _mixed(moving: Floats, grey: Floats, placements: Floats) -> Floats:
    """The mixture (pairs, side, side) of `moving`'s colours most like the other's grey: recoloured pictures align."""
    seen, inside = warped(moving, placements)
    shown = inside.astype(np.float32)
    colours = centred(seen, shown[:, None]).reshape(*seen.shape[:2], -1)
    table = colours @ colours.transpose(0, 2, 1)
    ridge = _RIDGE * np.trace(table, axis1=1, axis2=2)[:, None, None] + _NOISE
    pull = colours @ centred(grey, shown).reshape(len(grey), -1, 1)
    mixture = np.linalg.solve(table + ridge * np.eye(3, dtype=np.float32), pull).astype(np.float32)
    return (mixture.transpose(0, 2, 1) @ moving.reshape(len(moving), 3, -1)).reshape(grey.shape)


def _keeping(moving: Floats, fixed: Floats, placements: Floats, limits: Sequence[float]) -> NDArray[np.bool_]:
    """Which pairs (pairs, 3, side, side) keep one of the limits; who keeps the first is not asked for the next."""
    seen, inside = warped(moving, placements)
    shown = np.zeros(inside.shape, dtype=np.float32)
    inner = slice(_margin(fixed), inside.shape[1] - _margin(fixed))
    shown[:, inner, inner] = inside[:, inner, inner]
    plain = (_detail(moving) < _PLAIN) | (_detail(fixed) < _PLAIN)
    result = _in_colour(seen, fixed, shown, plain) <= limits[0]
    for look, limit in zip((_colour_blind, _veiled), limits[1:], strict=False):
        rest = np.flatnonzero(~(result | plain))
        if len(rest):
            result[rest] = look(seen[rest], fixed[rest], shown[rest]) <= limit
    return result


def _in_colour(raw: Floats, target: Floats, shown: Floats, plain: NDArray[np.bool_]) -> Floats:
    """Worst block of (pairs, 3, side, side); gain and offset of each channel are free, unless the picture is plain."""
    seen, goal = centred(raw, shown[:, None]), centred(target, shown[:, None])
    seen[plain], goal[plain] = raw[plain] * shown[plain, None], target[plain] * shown[plain, None]
    gain = np.einsum("ncij,ncij->nc", seen, goal) / (np.einsum("ncij,ncij->nc", seen, seen) + 1e-6)
    gain = np.where(plain[:, None], 1, np.clip(gain, *_GAIN)).astype(np.float32)
    return _worst_block(goal - gain[:, :, None, None] * seen, goal, shown)


def _veiled(raw: Floats, target: Floats, shown: Floats) -> Floats:
    """Worst part of what one (pairs, 3, side, side) has beyond the other under half transparent white letters."""
    return np.minimum(_marked(raw, target, shown), _marked(target, raw, shown))


def _marked(bare: Floats, marked: Floats, shown: Floats) -> Floats:
    """The same with the letters on `marked`: they only lighten, let the picture shine through, and leave gaps.

    Another ornament or ground does not.
    """
    added = marked - bare
    allowed = np.clip(added, 0, _VEIL * (1 - bare))
    beyond = _worst_block(added - allowed, marked, shown)
    count, grey = _sums(shown, _WINDOW, 2), added.mean(axis=1) * shown
    total = np.maximum(count, 1)
    mean = _sums(grey, _WINDOW, 2) / total
    spread = np.sqrt(np.maximum(_sums(grey * grey, _WINDOW, 2) / total - mean * mean, 0))
    gapless = np.where(_enough(count, shown, _WINDOW), mean - spread, 0).max(axis=(1, 2))
    return np.maximum(beyond, gapless / (_colour_contrast(marked, shown) + _FLOOR))


def _worst_block(rest: Floats, target: Floats, shown: Floats) -> Floats:
    """The most that a block of `rest` (pairs, 3, side, side) has, as a share of the contrast of `target`."""
    squares = np.einsum("ncij,ncij->nij", rest, rest) * shown / 3
    count = _sums(shown, _BLOCK, 1)
    worst = np.where(_enough(count, shown, _BLOCK), _sums(squares, _BLOCK, 1) / np.maximum(count, 1), 0)
    return np.sqrt(worst.max(axis=(1, 2))) / (_colour_contrast(target, shown) + _FLOOR)


def _colour_blind(raw: Floats, target: Floats, shown: Floats) -> Floats:
    """Worst window: what the best mixture of one's colours there leaves of the other's, the harder way round.

    Of its grey; and, unless one of both is grey, of a single channel by `_CHANNEL`: a red ball on an equally bright
    wall, say, has no other trace. And where both brightnesses changed, beyond gain and offset, another ground lies.
    """
    both = [centred(one, shown[:, None]) for one in (raw, target)]
    table, enough = _covariances(np.concatenate(both, axis=1), shown)
    coloured = np.minimum(*(_chroma(one) for one in both)) >= _GREY
    ways: list[Floats] = []
    for mixed, others, one in ((range(3), (7, 3, 4, 5), both[1]), (range(3, 6), (6, 0, 1, 2), both[0])):
        left = _unexplained(table, [*mixed], [*others])  # (4, pairs, windows, windows)
        worst = np.sqrt(np.where(enough, np.maximum(left, 0), 0).max(axis=(2, 3)))
        grey = _grey(one)
        worst[0] /= _contrast(grey * grey, shown) + _FLOOR
        worst[1:] *= _CHANNEL * coloured / (_colour_contrast(one, shown) + _FLOOR)
        ways.append(worst.max(axis=0))
    lighter = np.minimum(*(_lighter(bright(raw), bright(target), shown) for bright in (_grey, _strongest)))
    return np.maximum(np.maximum(*ways), _BRIGHTNESS * lighter)


def _strongest(pictures: Floats) -> Floats:
    """The value of HSV: another hue leaves it."""
    return pictures.max(axis=1)


def _lighter(one: Floats, other: Floats, shown: Floats) -> Floats:
    """By how much of the contrast the mean of a window of (pairs, side, side) changed at most, gain and offset free."""
    seen, goal, count = centred(one, shown), centred(other, shown), _sums(shown, _WINDOW, 2)
    gain = np.einsum("nij,nij->n", seen, goal) / (np.einsum("nij,nij->n", seen, seen) + 1e-6)
    rest = np.abs(_sums(goal - gain[:, None, None] * seen, _WINDOW, 2)) / np.maximum(count, 1)
    worst = np.where(_enough(count, shown, _WINDOW), rest, 0).max(axis=(1, 2))
    return worst / (_contrast(goal * goal, shown) + _FLOOR)


def _covariances(values: Floats, shown: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(8, 8, pairs, windows, windows) of the six channels (pairs, 6, side, side) of both pictures and of both greys.

    And which windows (pairs, windows, windows) both pictures show enough of.
    """
    count = _sums(shown, _WINDOW, 2)
    total = np.maximum(count, 1)
    means = _sums(values, _WINDOW, 2).transpose(1, 0, 2, 3) / total
    table = np.empty((6, 6, *count.shape), dtype=np.float32)
    for i in range(6):
        products = _sums(values[:, i:] * values[:, i, None], _WINDOW, 2).transpose(1, 0, 2, 3) / total
        table[i, i:] = table[i:, i] = products - means[i:] * means[i]
    mixtures = np.eye(8, 6, dtype=np.float32)
    mixtures[6, :3] = mixtures[7, 3:] = _LUMINANCE
    half = (mixtures @ table.reshape(6, -1)).reshape(8, 6, -1)
    return (mixtures @ half).reshape(8, 8, *count.shape), _enough(count, shown, _WINDOW)


def _unexplained(covariances: Floats, mixed: list[int], others: list[int]) -> Floats:
    """Variance of each of `others` beyond what a mixture of `mixed` has, (others, ...); all are rows of the table."""
    table = covariances[np.ix_(mixed + others, mixed + others)]
    for i in range(len(mixed)):  # Gaussian elimination
        rest = table[i + 1 :, i] / (table[i, i] + _NOISE)
        table[i + 1 :, i + 1 :] -= rest[:, None] * table[None, i, i + 1 :]
    return np.stack([table[i, i] for i in range(len(mixed), len(table))])


def _chroma(pictures: Floats) -> Floats:
    """Mean distance of a channel of (pairs, 3, side, side) from the grey, (pairs,)."""
    return np.abs(pictures - pictures.mean(axis=1, keepdims=True)).mean(axis=(1, 2, 3))


def _detail(pictures: Floats) -> Floats:
    """What share of the grey contrast of (pairs, 3, side, side) is beyond a smooth, quadratic surface."""
    side = min(pictures.shape[-1], _DETAIL_SIDE)
    step = pictures.shape[-1] // side
    grey = _grey(pictures)[:, ::step, ::step].reshape(len(pictures), -1)
    grey = grey - grey.mean(axis=1, keepdims=True)
    surface = _surface(side)
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


def _enough(count: Floats, shown: Floats, share: float) -> NDArray[np.bool_]:
    return count >= _SEEN * (share * shown.shape[-1]) ** 2


def _sums(values: Floats, share: float, overlap: int) -> Floats:
    """Sums over squares of (..., side, side), `share` of it wide, one at every `overlap`-th part of their width."""
    places = _squares(values.shape[-1], round(share * values.shape[-1]), overlap)
    return places @ (values.reshape(-1, values.shape[-1]) @ places.T).reshape(*values.shape[:-1], -1)


@cache
def _squares(side: int, width: int, overlap: int) -> Floats:
    """(squares, side): 1 where a pixel of a line lies in a square."""
    starts = np.arange(0, side - width + 1, width // overlap)[:, None]
    pixels = np.arange(side)
    return ((pixels >= starts) & (pixels < starts + width)).astype(np.float32)


def _reduced(pictures: NDArray[np.uint8], factor: int) -> Floats:
    values = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.uint16)
    rows = sum((values[:, :, start::factor] for start in range(1, factor)), start=values[:, :, ::factor])
    both = sum((rows[..., start::factor] for start in range(1, factor)), start=rows[..., ::factor])
    return both.astype(np.float32) / np.float32(255 * factor**2)
