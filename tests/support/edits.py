"""What people do to a picture before they publish it again, and pictures that only hashes take for one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from labelled_duplicates import jpeg

Dice = np.random.Generator
Edit = Callable[[Image.Image, Dice], Image.Image]


def watermark(image: Image.Image, dice: Dice) -> Image.Image:
    """Half transparent words, once across the picture or small all over it."""
    width, height = image.size
    opacity = int(255 * dice.uniform(0.3, 0.5))
    layer = Image.new("RGBA", (2 * width, 2 * height))
    draw = ImageDraw.Draw(layer)
    if dice.random() < 0.5:
        font = ImageFont.load_default(width / 9)
        draw.text((width, height), "© PHOTO STOCK", font=font, fill=(255, 255, 255, opacity), anchor="mm")
    else:
        font = ImageFont.load_default(width / 22)
        for line in range(0, 2 * height, width // 6):
            draw.text((0, line), "© photo stock     " * 12, font=font, fill=(255, 255, 255, opacity))
    layer = layer.rotate(dice.uniform(0, 35), Image.Resampling.BICUBIC)
    layer = layer.crop((width // 2, height // 2, width // 2 + width, height // 2 + height))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def grey(image: Image.Image, dice: Dice) -> Image.Image:
    """Without its colours."""
    return image.convert("L").convert("RGB")


def recoloured(image: Image.Image, dice: Dice) -> Image.Image:
    """The hue turned by 15 to 60 degrees, the saturation multiplied by 0.6 to 1.4."""
    hue, saturation, value = image.convert("HSV").split()
    turn = round(dice.choice((-1, 1)) * dice.uniform(15, 60) / 360 * 256)
    factor = dice.uniform(0.6, 1.4)
    turned = hue.point([(level + turn) % 256 for level in range(256)])
    return Image.merge(
        "HSV", [turned, saturation.point([min(255, round(level * factor)) for level in range(256)]), value]
    ).convert("RGB")


def rotated(image: Image.Image, dice: Dice) -> Image.Image:
    """By two degrees, the empty corners black, white or cut off."""
    angle, manner = dice.choice((-2, 2)), dice.integers(3)
    turned = image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=((0, 0, 0), (255, 255, 255), (0, 0, 0))[manner])
    return _part(turned, 0.05, 0.05, 0.9) if manner == 2 else turned


def corner(image: Image.Image, dice: Dice) -> Image.Image:
    """85% of width and height, from one corner."""
    left, top = 0.15 * dice.integers(0, 2, 2)
    return _part(image, left, top, 0.85)


def cropped(image: Image.Image, dice: Dice) -> Image.Image:
    """80% of width and height, from anywhere."""
    left, top = dice.uniform(0, 0.2, 2)
    return _part(image, left, top, 0.8)


def screenshot(image: Image.Image, dice: Dice) -> Image.Image:
    """In a window with bars and lines of text, half as large as the screen."""
    width, height = image.size
    page = Image.new("RGB", (round(1.5 * width), round(1.6 * height)), (245, 245, 247))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, 0.08 * page.height), fill=(40, 44, 52))
    left, top = round(dice.uniform(0.02, 0.3) * width), round(dice.uniform(0.15, 0.3) * height)
    page.paste(image, (left, top))
    for line in range(4):
        y = top + height + 0.05 * height * (line + 1)
        draw.rectangle((left, y, left + dice.uniform(0.3, 1) * width, y + 0.02 * height), fill=(90, 90, 90))
    return page


def mirrored(image: Image.Image, dice: Dice) -> Image.Image:
    """Left to right."""
    return ImageOps.mirror(image)


def bordered(image: Image.Image, dice: Dice) -> Image.Image:
    """In a frame of one colour, 3 to 8% of the width."""
    shade = dice.integers(0, 256, 3)
    return ImageOps.expand(image, round(image.width * dice.uniform(0.03, 0.08)), tuple(shade.tolist()))


def rescaled(image: Image.Image, dice: Dice) -> Image.Image:
    """30 to 60% of the size, saved as a poor JPEG."""
    factor = dice.uniform(0.3, 0.6)
    small = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
    return jpeg(small, int(dice.integers(35, 70)))


def stretched(image: Image.Image, dice: Dice) -> Image.Image:
    """Wider by 15 to 30%."""
    return image.resize((round(image.width * dice.uniform(1.15, 1.3)), image.height), Image.Resampling.BICUBIC)


def _part(image: Image.Image, left: float, top: float, size: float) -> Image.Image:
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round((left + size) * width), round((top + size) * height))
    )


EDITS: dict[str, Edit] = {
    "watermark": watermark,
    "grey": grey,
    "recolour": recoloured,
    "rotated 2°": rotated,
    "corner crop": corner,
    "crop 20%": cropped,
    "mirror": mirrored,
    "border": bordered,
    "rescale": rescaled,
    "stretch": stretched,
    "screenshot": screenshot,
}


def gradients(count: int, dice: Dice) -> Iterator[Image.Image]:
    """From one colour at the left to another at the right: one structure, different colours."""
    for _ in range(count):
        ends = dice.integers(0, 256, (2, 3))
        share = np.linspace(0, 1, 320)[None, :, None]
        line = ends[0] * (1 - share) + ends[1] * share
        yield Image.fromarray(np.broadcast_to(np.rint(line), (240, 320, 3)).astype(np.uint8))
