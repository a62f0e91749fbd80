"""Pictures as participants see them: one size, no metadata, several of them in one grid."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from culturebench.png import to_png

LETTERS = string.ascii_uppercase
#: Pictures beside each other in a grid.
COLUMNS = 3
_GAP = 8
#: Of the shorter side of a picture.
_LETTER = 0.16


def single(image: Image.Image, size: tuple[int, int]) -> bytes:
    """The picture at `size` (width, height) as PNG."""
    shown = image.convert("RGB")
    return to_png(shown if shown.size == size else shown.resize(size, Image.Resampling.LANCZOS))


def grid(images: Sequence[Image.Image], size: tuple[int, int]) -> bytes:
    """All pictures at `size` below the letters A, B, … as one PNG."""
    width, height = size
    letter = max(round(min(size) * _LETTER), 10)
    rows = -(-len(images) // COLUMNS)
    columns = min(COLUMNS, len(images))
    cell = (width + _GAP, height + letter + 2 * _GAP)
    sheet = Image.new("RGB", (columns * cell[0] + _GAP, rows * cell[1] + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(letter)
    for number, image in enumerate(images):
        left, top = _GAP + number % COLUMNS * cell[0], _GAP + number // COLUMNS * cell[1]
        draw.text((left, top - letter * 0.15), LETTERS[number], fill="black", font=font)
        shown = image.convert("RGB")
        shown = shown if shown.size == size else shown.resize(size, Image.Resampling.LANCZOS)
        sheet.paste(shown, (left, top + letter + _GAP // 2))
    return to_png(sheet)


def name_of(image: bytes) -> str:
    """The sha256 by which a picture goes."""
    return hashlib.sha256(image).hexdigest()
