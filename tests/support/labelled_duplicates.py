"""Pictures with a known answer: distinct ones, hard ones that only resemble them, and changed copies."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from culturebench.atlas import defects
from culturebench.atlas.pictures import render
from culturebench.atlas.world import REGIONS, Scene, contexts

SIDE = 256
WORDS = ("Lantern", "Harbour", "Weaving", "Pottery", "Harvest", "Rowing", "Dancing", "Masks", "Drums", "Spring")
MONTHS = ("March", "April", "May", "June", "July", "August", "October", "November")
Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """As a file of that quality shows it."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def reencoded(image: Image.Image, dice: np.random.Generator) -> Image.Image:
    """As a JPEG of 35 to 70."""
    return jpeg(image, int(dice.integers(35, 70)))


#: What is done to a copy; each is saved as a JPEG afterwards.
CHANGES: dict[str, Change] = {
    "re-encoded": reencoded,
    "resized": defects.resized,
    "cropped": defects.cropped,
    "flipped": defects.flipped,
    "bordered": defects.bordered,
    "colour-shifted": defects.colour_shifted,
}


def scenes(count: int, dice: np.random.Generator) -> Iterator[tuple[Image.Image, Image.Image]]:
    """Different scenes, each beside the same object in the same pose and light with another region's ornament."""
    codes = list(REGIONS)
    for number, context in enumerate(dice.permutation(len(contexts()))[:count].tolist()):
        one, other = (codes[(number + step) % len(codes)] for step in (0, 1 + number % (len(codes) - 1)))
        yield tuple(
            render(Scene(*contexts()[context], region=code, subdivision=REGIONS[code][1][0], seed=number), SIDE)
            for code in (one, other)
        )


def posters(count: int, dice: np.random.Generator) -> Iterator[tuple[Image.Image, Image.Image]]:
    """Different posters, each beside one of the same layout, colours and picture with another title and date."""
    for _ in range(count):
        layout = int(dice.integers(2**32))
        titles = dice.permutation(len(WORDS))[:4]
        months = dice.permutation(len(MONTHS))[:2]
        days = dice.permutation(28)[:2] + 1
        yield tuple(
            _poster(layout, [WORDS[titles[2 * k]], WORDS[titles[2 * k + 1]]], f"{days[k]} {MONTHS[months[k]]}")
            for k in range(2)
        )


def _poster(layout: int, title: list[str], date: str) -> Image.Image:
    dice = np.random.default_rng(layout)
    colours = dice.integers(0, 256, (6, 3))
    small = Image.fromarray(dice.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    image = Image.blend(Image.new("RGB", (SIDE, SIDE), tuple(colours[0])), small.resize((SIDE, SIDE)), 0.4)
    draw = ImageDraw.Draw(image)
    for colour in colours[1:5]:
        left, top = dice.integers(0, SIDE - 40, 2)
        width, height = dice.integers(30, 110, 2)
        box = (left, top, left + width, top + height)
        (draw.ellipse if dice.random() < 0.5 else draw.rectangle)(box, fill=tuple(colour))
    panel = int(dice.integers(20, 110))
    ink = (0, 0, 0) if dice.random() < 0.5 else (255, 255, 255)
    draw.rectangle((16, panel, SIDE - 16, panel + 118), fill=tuple(255 - value for value in ink))
    for line, text in enumerate([*title, date]):
        draw.text((26, panel + 4 + 38 * line), text, font=ImageFont.load_default(32), fill=ink)
    return image


def labelled(count: int, seed: int) -> tuple[list[Image.Image], dict[tuple[int, int], str]]:
    """Pictures, and the pairs (i, j) that are the same one with what was done to the copy; no other pair is.

    `count` distinct pictures, as many hard negatives, one for each, and a copy of every distinct one.
    """
    dice = np.random.default_rng(seed)
    pairs = [*scenes(count // 2, dice), *posters(count - count // 2, dice)]
    originals = [one for one, _ in pairs]
    copies: list[Image.Image] = []
    truth: dict[tuple[int, int], str] = {}
    for number, original in enumerate(originals):
        name, change = list(CHANGES.items())[number % len(CHANGES)]
        copies.append(jpeg(change(original, dice), 90))
        truth[number, 2 * count + number] = name
    return [*originals, *(other for _, other in pairs), *copies], truth
