"""Pictures of atlas scenes: one object on a ground, plain or covered by an ornament, drawn from the scene alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from culturebench.atlas.ornaments import draw_tile
from culturebench.atlas.shapes import INK, PX, SHAPES, Colour, Point, draw_companion
from culturebench.atlas.world import COMPANIONS, FRAMINGS, LIGHTS, OBJECTS, PLACES, REGIONS, Scene

_PLAIN: Final[Colour] = (214, 203, 186)
_EXTENT: Final = {"close": 0.8, "far": 0.53}  # the object's box, as a share of the frame
_REPEAT: Final = {"close": 0.28, "far": 0.34}  # one ornament tile, as a share of the object's box
_SCALES: Final = (0.96, 1.0, 1.04)
_HORIZON: Final = 0.68
_NIGHT: Final = (0.76, 0.78, 0.88)
_SKY: Final = {"day": ((176, 208, 232), (244, 238, 222)), "night": ((14, 18, 44), (40, 46, 84))}
_GROUND: Final[dict[str, tuple[Colour, Colour]]] = {
    "grass": ((112, 164, 74), (78, 132, 52)),
    "sand": ((232, 204, 138), (214, 180, 108)),
    "snow": ((246, 249, 253), (212, 224, 238)),
    "stone_floor": ((158, 156, 152), (112, 110, 108)),
    "wooden_floor": ((158, 110, 68), (108, 70, 40)),
    "water": ((74, 142, 190), (140, 192, 222)),
}


class _Layers(NamedTuple):
    """An object at one pixel size: the mask of its fill, what lies under the fill, and what lies over it."""

    mask: Image.Image
    under: Image.Image
    over: Image.Image


def render(scene: Scene, size: int = 256) -> Image.Image:
    """The RGB picture of `scene`, `size` x `size` pixels; the same scene and size always give the same bytes.

    Raises ValueError, naming the field and its allowed values, for a scene outside the world or a size below 16.
    """
    _check(scene, size)
    rng = np.random.default_rng(int(scene.id()[:16], 16))
    scale = _SCALES[int(rng.integers(len(_SCALES)))]
    jitter = rng.uniform(-0.015, 0.015, 2)
    gain = rng.uniform(0.97, 1.03) * rng.uniform(0.985, 1.015, 3)
    picture = _backdrop(scene.place, scene.light, size).copy()
    box = max(8, round(size * _EXTENT[scene.framing] * scale))
    layers = _layers(scene.object, box, scene.light)
    pad = (layers.mask.width - box) // 2
    room = 0.04 if scene.framing == "close" else 0.02
    left, top = (round(size * (0.5 + j + d) - box / 2) - pad for j, d in zip(jitter, (0, room - 0.04), strict=True))
    if scene.companion != "none":
        _add_companion(picture, scene, layers.mask, (left, top), float(rng.uniform()))
    picture.paste(layers.under, (left, top), layers.under)
    fill = _fill(scene, size, layers.mask.size).point(_gains(gain, scene.light))
    picture.paste(fill, (left, top), layers.mask)
    picture.paste(layers.over, (left, top), layers.over)
    return picture


def _check(scene: Scene, size: int) -> None:
    allowed = {"object": OBJECTS, "place": PLACES, "light": LIGHTS, "framing": FRAMINGS, "companion": COMPANIONS}
    subdivisions = REGIONS[scene.region][1] if scene.region in REGIONS else ("",)
    for name, values in (*allowed.items(), ("region", ("", *REGIONS)), ("subdivision", subdivisions)):
        if getattr(scene, name) not in values:
            raise ValueError(f"{name} is {getattr(scene, name)!r}; allowed: {', '.join(map(repr, values))}")
    if size < 16:
        raise ValueError(f"size is {size}; allowed: 16 or more")


def _gains(gain: NDArray[np.float64], light: str) -> list[int]:
    """The 768-entry lookup table that tints the fill by `gain` (one factor a channel) and darkens it at night."""
    night = np.array(_NIGHT if light == "night" else (1.0, 1.0, 1.0))
    table = np.outer(gain * night, np.arange(256))
    return np.clip(np.rint(table), 0, 255).astype(int).ravel().tolist()


def _fill(scene: Scene, size: int, extent: tuple[int, int]) -> Image.Image:
    """The ornament (or the plain colour) as an RGB sheet of `extent` pixels.

    Its tiles start at the object's corner: an ornament at any phase took a small picture model too long to learn.
    """
    if not scene.region:
        return Image.new("RGB", extent, _PLAIN)
    period = max(6, round(size * _EXTENT[scene.framing] * _REPEAT[scene.framing]))
    return _sheet(scene.subdivision, period, max(extent)).crop((0, 0, *extent))


@lru_cache(maxsize=512)
def _tile(name: str, period: int) -> Image.Image:
    tile = draw_tile(name)
    width, height = (max(2, round(n / PX * period)) for n in tile.size)
    return tile.resize((width, height), Image.Resampling.BOX)


@lru_cache(maxsize=512)
def _sheet(name: str, period: int, extent: int) -> Image.Image:
    """Tiles side by side, at least `extent` pixels wide and high."""
    tile = _tile(name, period)
    across, down = (extent // n + 1 for n in tile.size)
    return Image.fromarray(np.tile(np.asarray(tile), (down, across, 1)))


@lru_cache(maxsize=256)
def _layers(name: str, box: int, light: str) -> _Layers:
    """The layers of an object whose unit box is `box` pixels wide, with a margin for the outline and the shadow."""
    shape, grow = SHAPES[name], 3 if box < 100 else 2
    pad = max(3, box // 12)
    side = (box + 2 * pad) * grow
    unit = box * grow / 2
    stroke = max(0.035 * unit, 0.9 * grow)

    def at(points: Sequence[Point]) -> list[Point]:
        return [(side / 2 + x * unit, side / 2 + y * unit) for x, y in points]

    mask = Image.new("L", (side, side), 0)
    under, over = (Image.new("RGBA", (side, side), (*INK, 0)) for _ in range(2))
    on_mask, on_under, on_over = ImageDraw.Draw(mask), ImageDraw.Draw(under), ImageDraw.Draw(over)
    foot, half = shape.base
    on_under.polygon(at([(half * x * 1.15, foot + 0.09 * y) for x, y in _circle()]), (20, 24, 30, 90))
    for body in shape.body:
        on_mask.polygon(at(body), 255)
    for points, colour in shape.behind:
        on_under.polygon(at(points), (*colour, 255))
        _stroke(on_under, at(points), stroke * 0.7)
    for body in shape.body:  # a later body covers the outline of an earlier one
        on_over.polygon(at(body), (*INK, 0))
        _stroke(on_over, at(body), stroke)
    for points, width in shape.lines:
        on_over.line(at(points), (*INK, 190), max(grow, round(width * unit)), joint="curve")
    for points, colour in shape.parts:
        on_over.polygon(at(points), (*colour, 255))
        _stroke(on_over, at(points), stroke * 0.7)
    over = Image.alpha_composite(_shade(mask, shape.rounded), over)
    small = (side // grow, side // grow)
    layers = [layer.resize(small, Image.Resampling.BOX) for layer in (mask, under, over)]
    return _Layers(layers[0], _dimmed(layers[1], light), _dimmed(layers[2], light))


def _circle() -> list[Point]:
    angles = np.linspace(0, 2 * np.pi, 40)
    return list(zip(np.cos(angles).tolist(), np.sin(angles).tolist(), strict=True))


def _stroke(draw: ImageDraw.ImageDraw, points: Sequence[Point], width: float) -> None:
    draw.line([*points, points[0], points[1]], (*INK, 255), max(1, round(width)), joint="curve")


def _shade(mask: Image.Image, rounded: bool) -> Image.Image:
    """An RGBA layer that darkens the right and the lower side of the fill, more for a round thing."""
    left, top, right, bottom = mask.getbbox() or (0, 0, *mask.size)
    x = np.clip((np.arange(mask.width) - left) / (right - left), 0, 1)
    y = np.clip((np.arange(mask.height) - top) / (bottom - top), 0, 1)
    across = (x - 0.4) ** 2 * (x > 0.4) * (0.9 if rounded else 0.35)
    dark = across[None, :] + 0.12 * y[:, None] ** 2
    alpha = Image.fromarray((255 * dark).astype(np.uint8))
    shade = Image.new("RGBA", mask.size, (*INK, 0))
    shade.putalpha(ImageChops.multiply(alpha, mask))
    return shade


def _dimmed(layer: Image.Image, light: str, gain: float = 1.0) -> Image.Image:
    """An RGBA layer as `light` shows it; `gain` brightens what would drown in the dark."""
    if light == "day":
        return layer
    return layer.point([round(g * v) for g in (*(gain * n for n in _NIGHT), 1.0) for v in range(256)])


@lru_cache(maxsize=64)
def _backdrop(place: str, light: str, size: int) -> Image.Image:
    """Sky over ground, RGB, `size` x `size`."""
    big = size * 2
    top, low = (np.array(c, float) for c in _SKY[light])
    share = np.linspace(0, 1, round(big * _HORIZON))[:, None, None]
    sky = np.broadcast_to(top + (low - top) * share, (share.shape[0], big, 3))
    picture = Image.new("RGB", (big, big), _GROUND[place][0])
    picture.paste(Image.fromarray(sky.astype(np.uint8)), (0, 0))
    draw = ImageDraw.Draw(picture)
    if light == "night":
        for x, y in np.random.default_rng(7).uniform(0.02, 0.98, (22, 2)) * (big, big * 0.6):
            draw.ellipse([x, y, x + big / 110, y + big / 110], (236, 232, 200))
    _texture(draw, place, big)
    if light == "night":
        dark = [round(g * v) for g in (0.4, 0.45, 0.58) for v in range(256)]
        picture.paste(picture.crop((0, share.shape[0], big, big)).point(dark), (0, share.shape[0]))
    return picture.resize((size, size), Image.Resampling.BOX)


def _texture(draw: ImageDraw.ImageDraw, place: str, big: int) -> None:
    """Draws what tells the ground of `place` from others: tufts, ripples, slabs, planks or waves."""
    mark, rows = _GROUND[place][1], np.linspace(_HORIZON, 1.0, 5)
    rng, thick = np.random.default_rng(11), max(2, big // 90)
    for i, y in enumerate(rows[:-1] * big):
        if place in ("stone_floor", "wooden_floor"):
            draw.line([(0, y), (big, y)], mark, thick)
            count = 4 if place == "stone_floor" else 2
            for x in (np.arange(count + 1) + 0.5 * (i % 2)) / count * big:
                draw.line([(x, y), (x, y + big * 0.08)], mark, thick)
        elif place == "grass":
            for x in rng.uniform(0, big, 16):
                tuft = [(x, y + big * 0.06), (x + big * 0.03, y + big * 0.06), (x + big * 0.015, y + big * 0.005)]
                draw.polygon(tuft, mark)
        elif place == "water":
            for x in (np.arange(6) + 0.5 * (i % 2)) / 5 * big:
                draw.arc([x - big * 0.1, y + big * 0.01, x + big * 0.1, y + big * 0.07], 200, 340, mark, thick * 2)
        elif place == "sand":
            for x in rng.uniform(0, big, 9):
                draw.ellipse([x, y + big * 0.03, x + big * 0.06, y + big * 0.045], mark)
        else:
            x = rng.uniform(0, 1) * big
            draw.ellipse([x - big * 0.35, y + big * 0.02, x + big * 0.35, y + big * 0.07], mark)


@lru_cache(maxsize=32)
def _companion(name: str, size: int, light: str) -> Image.Image:
    return _dimmed(draw_companion(name, size), light, 1.2)


def _add_companion(picture: Image.Image, scene: Scene, mask: Image.Image, at: tuple[int, int], draw: float) -> None:
    """Pastes the companion into the corner (left or right, by `draw`) where the object leaves it the most room."""
    size = picture.width
    big = max(5, round(size * (0.17 if scene.framing == "far" else 0.16)))
    figure = _companion(scene.companion, big, scene.light)
    y = round(size * (0.02 if scene.companion == "bird" else 0.97)) - (0 if scene.companion == "bird" else big)
    sides = [round(size * 0.02), round(size * 0.98) - big]
    if draw < 0.5:
        sides.reverse()
    covered = [_overlap(mask, (x - at[0], y - at[1]), big) for x in sides]
    x = sides[covered.index(min(covered))]
    picture.paste(figure, (x, y), figure)


def _overlap(mask: Image.Image, at: tuple[int, int], big: int) -> int:
    return int(np.asarray(mask.crop((*at, at[0] + big, at[1] + big))).sum())
