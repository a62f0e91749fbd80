"""How sharp and how varied a picture is, how much of it is text, how few its colours are; whatever its resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

SIDE = 256
_TEXT_SIDE = 768  # letters of 3% of the height still have strokes
_MIN_STROKE = 40  # grey levels between a letter and what is behind it
_LINE_HEIGHT = (0.012, 0.25)  # shares of the longer side
_COMMONEST = 16


def sharpness(image: Image.Image) -> float:
    """Variance of the Laplacian of the grey picture (0..1), with its longer side brought down to 256 pixels."""
    grey = np.asarray(_small(image).convert("L"), dtype=np.float64) / 255
    if min(grey.shape) < 3:
        return 0.0
    centre = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * centre
    return float(laplacian.var())


def contrast(image: Image.Image) -> float:
    """The largest standard deviation among the three channels (0..1): near 0 for a uniform picture."""
    values = np.asarray(_small(image), dtype=np.float64) / 255
    return float(values.reshape(-1, 3).std(axis=0).max())


def text_share(image: Image.Image) -> float:
    """Share of the picture (0..1) that lies in boxes like lines of text, also of text laid over it as a watermark.

    Strong strokes are joined sideways; a box counts when it is wide, neither hollow nor solid, and crossed by many
    upright strokes. No letter is read: a dense frieze of ornament counts as well, a faint watermark or one letter
    does not. So it says whom to ask, and hardly whom to drop.
    """
    grey = np.asarray(_small(image, _TEXT_SIDE).convert("L"), dtype=np.int16)
    strokes = ndimage.grey_dilation(grey, 3) - ndimage.grey_erosion(grey, 3) >= _MIN_STROKE
    reach = max(3, max(grey.shape) // 60)
    joined = ndimage.binary_closing(np.pad(strokes, reach), np.ones((1, reach), dtype=bool))[reach:-reach, reach:-reach]
    regions: Any = ndimage.label(joined, np.ones((3, 3)))
    boxes = ndimage.find_objects(regions[0])
    return sum(_line_area(strokes[box], max(grey.shape)) for box in boxes if box is not None) / grey.size


def _line_area(strokes: NDArray[np.bool_], side: int) -> int:
    """The pixels of a box of strokes if it looks like a line of text, else 0."""
    height, width = strokes.shape
    if not _LINE_HEIGHT[0] * side <= height <= _LINE_HEIGHT[1] * side or width < 2.5 * height:
        return 0
    crossings = np.abs(np.diff(strokes.astype(np.int8), axis=1)).sum(axis=1) / 2
    letters = width / height
    return height * width if 0.25 <= strokes.mean() <= 0.9 and np.median(crossings) >= 1.2 * letters else 0


def palette_share(image: Image.Image) -> float:
    """Share of the pixels (0..1) in the 16 commonest of 4096 colours: near 1 for flat drawings, low for photographs."""
    values = np.asarray(_small(image), dtype=np.int64).reshape(-1, 3) // 16
    counts = np.bincount(values @ [256, 16, 1], minlength=4096)
    return float(np.sort(counts)[-_COMMONEST:].sum() / len(values))


def _small(image: Image.Image, side: int = SIDE) -> Image.Image:
    """Never enlarged: that would only blur."""
    factor = max(image.size) / side
    if factor <= 1:
        return image
    size = (max(1, round(image.width / factor)), max(1, round(image.height / factor)))
    return image.resize(size, Image.Resampling.BOX)
