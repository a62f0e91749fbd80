"""One picture of the result: pictures under each condition, and below each how often the region is named rightly."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from culturebench.conditions import condition
from culturebench.ethics import marked
from culturebench.evaluation.names import CULTURE
from culturebench.report import words
from culturebench.report.gallery import COLUMNS, first_prompts
from culturebench.report.headline import strongest
from culturebench.report.results import Results

if TYPE_CHECKING:
    from culturebench.artifacts.pictures import PictureRow as Row

Box = tuple[float, float, float, float]

REGIONS = 3
SIDE, GAP = 128, 14  # pixels of a picture, and between two
LEFT, TOP, RIGHT = 150, 44, 24  # room for regions' names, conditions' names, and nothing
BARS, FOOT = 210, 96  # heights of the bars and of what stands below them
INK, GREY, PALE, BAR, CONTROL = "#1f2328", "#6e7781", "#d8dee4", "#3a6ea5", "#c2571a"
BACKGROUND = "white"
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Column:
    """A condition's share of right regions with its interval, and its strongest null's; None where there is none."""

    name: str
    share: float
    low: float | None = None
    high: float | None = None
    control: float | None = None


@dataclass(frozen=True)
class Strip:
    """A region's pictures (encoded) by condition, all of one prompt and seed."""

    region: str
    images: Mapping[str, bytes]


def columns_of(results: Results) -> list[Column]:
    """The columns of what was measured, from the evaluation's rows."""
    found: list[Column] = []
    for name in results.present(COLUMNS):
        row = results.get(name, CULTURE)
        null = strongest(results, condition(name))
        other = results.get(null, CULTURE) if null else None
        if row and row["value"] is not None:
            found.append(Column(name, row["value"], row["low"], row["high"], other["value"] if other else None))
    return found


def strips_of(pictures: Mapping[str, Mapping[tuple[str, int], Row]], regions: Sequence[str]) -> list[Strip]:
    """The first prompt of `REGIONS` regions, evenly over `regions`, so that nobody picks.

    `pictures` maps a condition to its picture rows by (prompt id, seed).
    """
    known = next(iter(pictures.values()), {})
    first = list(first_prompts(known.values(), regions).items())
    shown = [first[number * len(first) // REGIONS] for number in range(min(REGIONS, len(first)))]
    return [
        Strip(region, {name: rows[key]["image"] for name, rows in pictures.items() if key in rows})
        for region, key in shown
    ]


def draw(columns: Sequence[Column], strips: Sequence[Strip], note: str) -> bytes:
    """The figure as a PNG; equal values and pictures give equal bytes. `note` says what it was measured on."""
    width = LEFT + len(columns) * (SIDE + GAP) + RIGHT
    start = TOP + len(strips) * (SIDE + GAP)
    image = Image.new("RGB", (width, start + BARS + FOOT), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for number, column in enumerate(columns):
        middle = _left(number) + SIDE / 2
        pen.text((middle, TOP - 14), words.condition(column.name), INK, _font(17), anchor="ms")
    for number, strip in enumerate(strips):
        top = TOP + number * (SIDE + GAP)
        pen.text((LEFT - GAP, top + SIDE / 2), _plain(words.region(strip.region)), INK, _font(17), anchor="rm")
        for place, column in enumerate(columns):
            if column.name in strip.images:
                image.paste(_picture(strip.images[column.name]), (_left(place), top))
    _bars(pen, columns, (LEFT, start + 24, width - RIGHT, start + BARS))
    pen.text((LEFT, start + BARS + 50), note, GREY, _font(14), anchor="ls")
    _key(pen, (LEFT, start + BARS + 76))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return marked(buffer.getvalue())


def _bars(pen: ImageDraw.ImageDraw, columns: Sequence[Column], box: Box) -> None:
    left, top, right, bottom = box

    def y(share: float) -> float:
        return bottom - share * (bottom - top)

    for tick in TICKS:
        pen.line((left, y(tick), right, y(tick)), PALE)
        pen.text((left - GAP, y(tick)), words.percent(tick, 0), GREY, _font(14), anchor="rm")
    for number, column in enumerate(columns):
        start, middle = _left(number), _left(number) + SIDE / 2
        pen.rectangle((start + 24, y(column.share), start + SIDE - 24, bottom), BAR)
        if column.low is not None and column.high is not None:
            pen.line((middle, y(column.low), middle, y(column.high)), INK, 2)
        if column.control is not None:
            pen.line((start + 12, y(column.control), start + SIDE - 12, y(column.control)), CONTROL, 3)
        pen.text((middle, bottom + 22), words.percent(column.share), INK, _font(17), anchor="ms")


def _key(pen: ImageDraw.ImageDraw, at: tuple[float, float]) -> None:
    x, y = at
    pen.rectangle((x, y - 11, x + 14, y), BAR)
    pen.text((x + 22, y), "right region, 95% interval", GREY, _font(14), anchor="ls")
    pen.line((x + 240, y - 5, x + 262, y - 5), CONTROL, 3)
    pen.text((x + 270, y), "its strongest null", GREY, _font(14), anchor="ls")


def _plain(name: str) -> str:
    """Without accents, which the font that comes with Pillow does not have."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")


def _left(number: int) -> int:
    return LEFT + number * (SIDE + GAP)


def _picture(data: bytes) -> Image.Image:
    """At the figure's size; the atlas's small pictures keep their pixels."""
    with Image.open(io.BytesIO(data)) as found:
        small = found.width <= SIDE and SIDE % found.width == 0
        way = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
        return found.convert("RGB").resize((SIDE, SIDE), way)


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
