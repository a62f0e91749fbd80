"""Perceptual hashes of a picture, of 34 crops of it and of its mirror image, and a thumbnail for a closer look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps


def _grid(size: float, places: int) -> Iterator[tuple[float, float, float, float]]:
    """Boxes of one size, the first at the upper left and the last at the lower right corner."""
    starts = [(1 - size) * place / (places - 1) for place in range(places)]
    return ((left, top, left + size, top + size) for top in starts for left in starts)


#: Boxes (left, top, right, bottom, as shares) whose hashes meet those of pictures cropped by up to 20%.
VIEWS: Final = ((0.0, 0.0, 1.0, 1.0), *_grid(0.92, 3), *_grid(0.85, 3), *_grid(0.8, 4))
THUMBNAIL: Final = 48
#: Pixels of the longer side that suffice: decoded no smaller, a picture has the same hash, mostly within 2 bits.
DECODED_SIDE: Final = 512
_WORKING_SIDE: Final = 256
_VIEWED_SIDE: Final = 96  # pixels of the square whose parts are hashed
_BORDER_TOLERANCE: Final = 10
_WAVES: Final = 8  # of a pHash: its bits are the signs of 8 x 8 cosine waves against their median


@dataclass(frozen=True)
class Fingerprint:
    """What deduplication knows of a picture."""

    views: NDArray[np.uint64]  # (len(VIEWS),) pHash of each view; the first is the whole picture, as imagehash has it
    mirrored: int  # pHash of the mirror image
    thumbnail: NDArray[np.uint8]  # (THUMBNAIL, THUMBNAIL, 3), smoothed so that small shifts cost little


def fingerprint(image: Image.Image) -> Fingerprint:
    """The hashes and the thumbnail of an RGB picture without its border, if it has one."""
    reduced = _reduced(image)
    bare = without_border(reduced)
    grey = bare.convert("L")
    views = _phash_views(grey)
    views[0] = phash(image if bare is reduced else grey)
    return Fingerprint(views, phash(ImageOps.mirror(grey)), _thumbnail(bare))


def phash(image: Image.Image) -> int:
    """The 64-bit pHash of imagehash as a number; its 16 hex digits are what imagehash prints."""
    return int(str(imagehash.phash(image)), 16)


def without_border(image: Image.Image) -> Image.Image:
    """The picture without a frame of one colour: opposite sides are cut when both are uniform and alike."""
    pixels: NDArray[Any] = np.asarray(image, dtype=np.int16)
    top, bottom = _opposite(pixels)
    left, right = _opposite(pixels.transpose(1, 0, 2))
    height, width = pixels.shape[:2]
    if not (top or left) or top + bottom >= height - 8 or left + right >= width - 8:
        return image
    return image.crop((left, top, width - right, height - bottom))


def _phash_views(grey: Image.Image) -> NDArray[np.uint64]:
    """(len(VIEWS),) pHashes as of the cut pictures, mostly within 2 bits, by one product of matrices."""
    square = np.asarray(grey.resize((_VIEWED_SIDE, _VIEWED_SIDE), Image.Resampling.BOX), dtype=np.float32)
    across, down = _WAVES_OF_VIEWS
    waves = (down @ square @ across.transpose(0, 2, 1)).reshape(len(VIEWS), -1)
    bits = np.packbits(waves > np.median(waves, axis=1, keepdims=True), axis=1)
    return bits.view(">u8")[:, 0].astype(np.uint64)


def _waves(low: float, high: float) -> NDArray[np.float32]:
    """(_WAVES, _VIEWED_SIDE) cosines over the part of a line between two shares; a pixel counts as far as it is in."""
    edges = np.arange(_VIEWED_SIDE + 1) / _VIEWED_SIDE
    starts, ends = np.maximum(edges[:-1], low), np.minimum(edges[1:], high)
    phase = ((starts + ends) / 2 - low) / (high - low)
    waves = np.cos(np.pi * np.arange(_WAVES)[:, None] * phase) * np.maximum(ends - starts, 0)
    return waves.astype(np.float32)


_WAVES_OF_VIEWS: Final = (
    np.stack([_waves(left, right) for left, _, right, _ in VIEWS]),
    np.stack([_waves(top, bottom) for _, top, _, bottom in VIEWS]),
)


def _opposite(lines: NDArray[Any]) -> tuple[int, int]:
    """How many lines of one colour, the same at both ends, stand first and last; lines is (n, m, 3)."""
    colour = np.median(lines[0], axis=0)
    if np.abs(lines[[0, -1]] - colour).max() > _BORDER_TOLERANCE:
        return 0, 0
    uniform = np.abs(lines - colour).max(axis=(1, 2)) <= _BORDER_TOLERANCE
    if uniform.all():
        return 0, 0
    return int(np.argmin(uniform)), int(np.argmin(uniform[::-1]))


def _reduced(image: Image.Image) -> Image.Image:
    """By a whole factor: another one would add its own pattern, and move the hash by a few bits."""
    factor = max(image.size) // _WORKING_SIDE
    return image.reduce(factor) if factor > 1 else image


def _thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    small = np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR), dtype=np.float32)
    padded = np.pad(small, ((1, 1), (1, 1), (0, 0)), "edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    smooth = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    return np.rint(smooth).astype(np.uint8)
