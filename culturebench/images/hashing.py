"""Perceptual hashes of a picture, of crops of it and of its mirror image, and a thumbnail for a closer look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

#: Boxes (left, top, right, bottom, as shares) whose hashes meet those of pictures cropped by up to 10%.
VIEWS: Final = (
    (0.0, 0.0, 1.0, 1.0),
    (0.05, 0.05, 0.95, 0.95),
    (0.0, 0.0, 0.94, 0.94),
    (0.06, 0.0, 1.0, 0.94),
    (0.0, 0.06, 0.94, 1.0),
    (0.06, 0.06, 1.0, 1.0),
)
THUMBNAIL: Final = 48
#: Pixels of the longer side that suffice: decoded no smaller, a picture has the same hash, mostly within 2 bits.
DECODED_SIDE: Final = 512
_WORKING_SIDE: Final = 256
_BORDER_TOLERANCE: Final = 10


@dataclass(frozen=True)
class Fingerprint:
    """What deduplication knows of a picture."""

    views: NDArray[np.uint64]  # (len(VIEWS),) pHash of each view; the first is the whole picture
    mirrored: int  # pHash of the mirror image
    thumbnail: NDArray[np.uint8]  # (THUMBNAIL, THUMBNAIL, 3), smoothed so that small shifts cost little


def fingerprint(image: Image.Image) -> Fingerprint:
    """The hashes and the thumbnail of an RGB picture without its border, if it has one."""
    reduced = _reduced(image)
    bare = without_border(reduced)
    grey = bare.convert("L")
    whole = phash(image if bare is reduced else grey)
    views = [whole, *(phash(_inside(grey, box)) for box in VIEWS[1:])]
    return Fingerprint(np.array(views, dtype=np.uint64), phash(ImageOps.mirror(grey)), _thumbnail(bare))


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


def _inside(image: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    x0, y0, x1, y1 = box
    width, height = image.size
    return image.crop((round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)))


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
