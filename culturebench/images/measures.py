"""How sharp and how varied a picture is, whatever its resolution."""

from __future__ import annotations

import numpy as np
from PIL import Image

SIDE = 256


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


def _small(image: Image.Image) -> Image.Image:
    """Never enlarged: that would only blur."""
    factor = max(image.size) / SIDE
    if factor <= 1:
        return image
    size = (max(1, round(image.width / factor)), max(1, round(image.height / factor)))
    return image.resize(size, Image.Resampling.BOX)
