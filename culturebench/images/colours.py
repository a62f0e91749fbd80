"""A picture of any mode in the colours of sRGB, strip by strip: beside the picture itself little is held in memory."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

#: Pixels that are converted at a time.
_STRIP: Final = 1_000_000
_WHITE: Final = (255, 255, 255)
#: What lies under a picture that is nearly white itself.
_DARK: Final = (64, 64, 64)
#: A picture is nearly white when what is seen of it is, on average, so close to white (of 255).
_CLOSE: Final = 40
_SAMPLE: Final = 512  # pixels of a side that are looked at for it
#: Modes by the colour space that a profile for them must have.
_SPACES: Final = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
_BITS_PER_SAMPLE: Final = 258  # a tag of TIFF

Convert = Callable[[Image.Image], Image.Image]


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture in sRGB by its ICC profile, on a background on which it is seen; 16 bits and floats become 8."""
    steps: list[Convert] = []
    mode, clear = image.mode, image.has_transparency_data
    if mode.startswith("I") or mode == "F":
        top = _top(image)
        steps.append(lambda strip: _eight_bits(strip, top))
        mode, clear = "L", False  # of 16 bits no more than one value can be clear
    if clear or mode in ("P", "PA", "1"):
        plain = "RGBA" if clear else "RGB"
        steps.append(lambda strip: strip.convert(plain))
        mode = plain
    if transform := _to_srgb(image.info.get("icc_profile"), mode):
        steps.append(transform)
    if clear:
        under = _background(image)
        steps.append(lambda strip: _laid_on(under, strip))
    if not steps and mode == "RGB":
        return image.copy()  # a picture that is no file any more
    steps.append(lambda strip: strip.convert("RGB"))
    return _by_strips(image, steps)


def _by_strips(image: Image.Image, steps: list[Convert]) -> Image.Image:
    done = Image.new("RGB", image.size)
    for top, strip in _strips(image):
        for step in steps:
            strip = step(strip)
        done.paste(strip, (0, top))
    return done


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Strips of a picture from its top, each with its first row."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _to_srgb(profile: Any, mode: str) -> Convert | None:
    """A conversion by an embedded profile; None without one, with a damaged one, and for sRGB itself."""
    if not isinstance(profile, bytes) or mode not in _SPACES:
        return None
    with contextlib.suppress(Exception):  # a profile is a stranger's bytes as well; a damaged one says nothing
        source: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _SPACES[mode] or "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        target = "RGBA" if mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, target)
        return lambda strip: ImageCms.applyTransform(strip, transform) or strip
    return None


def _background(image: Image.Image) -> tuple[int, int, int]:
    """White, unless the picture would vanish on it."""
    size = (min(image.width, _SAMPLE), min(image.height, _SAMPLE))
    values = np.asarray(image.resize(size, Image.Resampling.NEAREST).convert("RGBA"), dtype=np.float64)
    weights = values[..., 3]
    if not weights.any():
        return _WHITE
    distance = np.average((255 - values[..., :3]).mean(axis=2), weights=weights)
    return _DARK if distance < _CLOSE else _WHITE


def _laid_on(colour: tuple[int, int, int], strip: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", strip.size, (*colour, 255)), strip)


def _values(strip: Image.Image) -> NDArray[np.float32]:
    return np.nan_to_num(np.asarray(strip, dtype=np.float32), posinf=0.0, neginf=0.0)


def _top(image: Image.Image) -> float:
    """The value that is white, by the bits that a file says it has, or by the largest of its values."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE)
    if isinstance(bits, tuple) and bits[0] == 12:
        return 4095.0
    if image.mode != "F":
        return 65535.0
    largest = max(float(_values(strip).max(initial=0)) for _, strip in _strips(image))
    return 65535.0 if largest > 255 else (255.0 if largest > 1 else 1.0)


def _eight_bits(strip: Image.Image, top: float) -> Image.Image:
    """Grey values on 0..255; Pillow's own conversion would clip them."""
    return Image.fromarray(np.clip(np.rint(_values(strip) * (255 / top)), 0, 255).astype(np.uint8))
