"""The bytes of an atlas finding: its picture, with the planted defect applied, in one of three file formats."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from culturebench.atlas.collection import Finding
from culturebench.atlas.pictures import render

Dice = np.random.Generator

_FORMATS = (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"))
_BORDERS = ((255, 255, 255), (0, 0, 0), (128, 128, 128), (236, 226, 200))


def picture_file(finding: Finding, size: int) -> tuple[str, bytes]:
    """File name and bytes of a finding whose scene is drawn at `size` x `size` pixels; always the same ones."""
    dice = finding.dice("file")
    suffix, pillow_format = _FORMATS[int(dice.choice(3, p=(0.6, 0.2, 0.2)))]
    image = render(finding.scene, size)
    kind, _, manner = finding.planted.partition(":")
    change = _CHANGES.get(manner or kind)
    quality = 92
    if change is not None:
        image = change(image, dice)
    if manner == "reencoded":
        suffix, pillow_format, quality = "jpg", "JPEG", int(dice.integers(35, 70))
    data = _encode(image, pillow_format, quality)
    if kind == "truncated":
        data = data[: int(len(data) * dice.uniform(0.3, 0.8))]
    return f"{finding.region}_{finding.index:05d}.{suffix}", data


def resized(image: Image.Image, dice: Dice) -> Image.Image:
    """At 60 to 90% of the size."""
    return _scaled(image, dice.uniform(0.6, 0.9))


def cropped(image: Image.Image, dice: Dice) -> Image.Image:
    """Up to 10% of width and of height cut away, divided at random between opposite sides."""
    width, height = image.size
    across, down = dice.uniform(0.02, 0.1, 2) * (width, height)
    left, top = round(across * dice.uniform()), round(down * dice.uniform())
    return image.crop((left, top, left + width - round(across), top + height - round(down)))


def flipped(image: Image.Image, dice: Dice) -> Image.Image:
    """Mirrored left to right."""
    return ImageOps.mirror(image)


def bordered(image: Image.Image, dice: Dice) -> Image.Image:
    """In a frame of one colour, 4 to 10% of the width on every side, and somewhat reduced."""
    colour = _BORDERS[int(dice.integers(len(_BORDERS)))]
    framed = ImageOps.expand(image, round(image.width * dice.uniform(0.04, 0.1)), colour)
    return _scaled(framed, 0.95 * image.width / framed.width)


def colour_shifted(image: Image.Image, dice: Dice) -> Image.Image:
    """Each channel multiplied by 0.8 to 1.2 and moved by up to 12 of 255."""
    gains, offsets = dice.uniform(0.8, 1.2, 3), dice.uniform(-12, 12, 3)
    shifted = np.asarray(image, dtype=np.float64) * gains + offsets
    return Image.fromarray(np.clip(np.rint(shifted), 0, 255).astype(np.uint8))


def blurred(image: Image.Image, dice: Dice) -> Image.Image:
    """Out of focus by a Gaussian of 0.6 to 2.4% of the width: mild ones pass a threshold and not an expert."""
    return image.filter(ImageFilter.GaussianBlur(image.width * dice.uniform(0.006, 0.024)))


def too_small(image: Image.Image, dice: Dice) -> Image.Image:
    """A thumbnail of 40 to 100 pixels."""
    side = int(dice.integers(40, 101))
    return image.resize((side, side), Image.Resampling.LANCZOS)


_CHANGES: dict[str, Callable[[Image.Image, Dice], Image.Image]] = {
    "resized": resized,
    "cropped": cropped,
    "flipped": flipped,
    "bordered": bordered,
    "colour_shifted": colour_shifted,
    "blurred": blurred,
    "too_small": too_small,
}


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _encode(image: Image.Image, pillow_format: str, quality: int) -> bytes:
    options = {"PNG": {"compress_level": 6}, "WEBP": {"quality": quality, "method": 2}, "JPEG": {"quality": quality}}
    buffer = io.BytesIO()
    image.save(buffer, pillow_format, **options[pillow_format])
    return buffer.getvalue()
