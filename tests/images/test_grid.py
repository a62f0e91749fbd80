"""Several pictures as one."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from culturebench.images.grid import numbered_grid

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30), (30, 200, 200)]


@pytest.mark.parametrize(("count", "columns", "lines"), [(2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2)])
def test_the_pictures_stand_in_rows_in_their_order_whole_and_under_their_numbers(
    count: int, columns: int, lines: int
) -> None:
    sizes = [(40, 20), (10, 60), (300, 300), (25, 25), (9, 9)]
    pictures = [Image.new("RGB", size, colour) for size, colour in zip(sizes, COLOURS, strict=True)][:count]
    page = Image.open(io.BytesIO(numbered_grid(pictures, 120)))
    width, height = (page.width - 12) / columns, (page.height - 12) / lines
    for place in range(count):
        left, top = 12 + place % columns * width, 12 + place // columns * height
        middle = page.getpixel((round(left + 60), round(top + 10 + 60)))
        assert all(abs(a - b) < 12 for a, b in zip(middle, COLOURS[place], strict=True))  # type: ignore[arg-type]
        number = page.crop((round(left), round(top), round(left) + 10, round(top) + 10)).convert("L")
        assert number.getextrema()[0] < 100  # something is written
        coloured = sum(max(pixel) - min(pixel) > 80 for pixel in page.crop(
            (round(left), round(top + 10), round(left + 120), round(top + 130))).get_flattened_data())  # fmt: skip
        short, long = sorted(sizes[place])
        assert coloured == pytest.approx(120 * 120 * short / long, rel=0.12)  # in its own proportions
