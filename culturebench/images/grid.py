"""Several pictures as one, numbered, for a form that shows one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import ceil, sqrt

from PIL import Image, ImageDraw, ImageFont

_GAP, _QUALITY = 12, 90


def numbered_grid(pictures: Sequence[Image.Image], side: int = 640) -> bytes:
    """A JPEG of the pictures in rows, as square as can be, each under its number from 1 and whole.

    `side`: pixels that each has for its longer side; a smaller picture is enlarged to it.
    """
    columns = ceil(sqrt(len(pictures)))
    bar = side // 12
    width, height = side + _GAP, side + bar + _GAP
    page = Image.new("RGB", (columns * width + _GAP, ceil(len(pictures) / columns) * height + _GAP), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(bar * 0.8)
    for place, picture in enumerate(pictures):
        left, top = _GAP + place % columns * width, _GAP + place // columns * height
        draw.text((left, top), str(place + 1), fill="black", font=font)
        scale = side / max(picture.size)
        size = [max(1, round(length * scale)) for length in picture.size]
        sized = picture.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS)
        page.paste(sized, (left + (side - size[0]) // 2, top + bar + (side - size[1]) // 2))
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
