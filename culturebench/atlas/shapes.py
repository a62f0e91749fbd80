"""The silhouettes of the atlas objects and companions, and the canvas that they and the ornaments are drawn on.

Object coordinates lie in the box [-1, 1] x [-1, 1], x to the right and y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, hypot, pi, sin
from typing import Final

from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]

INK: Final[Colour] = (58, 48, 44)
DARK: Final[Colour] = (92, 78, 70)
PALE: Final[Colour] = (228, 220, 204)
PX: Final = 160  # pixels to the unit of an ornament tile


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float, n: int = 28) -> list[Point]:
    """`n` points of an ellipse arc about (x, y); angles in degrees, clockwise from the right."""
    steps = [(start + (end - start) * i / (n - 1)) * pi / 180 for i in range(n)]
    return [(x + rx * cos(a), y + ry * sin(a)) for a in steps]


def box(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """The four corners of a rectangle."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def spline(points: Sequence[Point], per: int = 8) -> list[Point]:
    """A Catmull-Rom curve through `points`, with `per` points for each span."""
    p = [points[0], *points, points[-1]]
    out: list[Point] = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        for t in (i / per for i in range(per)):
            out.append(tuple(_catmull(a[k], b[k], c[k], d[k], t) for k in (0, 1)))  # type: ignore[arg-type]
    return [*out, points[-1]]


def _catmull(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


def mirrored(right: Sequence[Point]) -> list[Point]:
    """A closed outline from its right half, given from top to bottom."""
    return [*right, *((-x, y) for x, y in reversed(right))]


class Tile:
    """A canvas of `width` x `height` units whose edges wrap round."""

    def __init__(self, ground: Colour, width: float = 1.0, height: float = 1.0) -> None:
        self.w, self.h = width, height
        self.image = Image.new("RGB", (round(width * PX), round(height * PX)), ground)
        self.draw = ImageDraw.Draw(self.image)

    def poly(self, points: Sequence[Point], fill: Colour) -> None:
        """Fills a polygon and its wrapped copies."""
        for dx in (-self.w, 0, self.w):
            for dy in (-self.h, 0, self.h):
                self.draw.polygon([((x + dx) * PX, (y + dy) * PX) for x, y in points], fill)

    def disc(self, x: float, y: float, r: float, fill: Colour) -> None:
        """A filled circle of radius `r`."""
        self.poly(arc(x, y, r, r, 0, 360, 40), fill)

    def line(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """A stroke with round ends, `width` units thick."""
        for (x0, y0), (x1, y1) in pairwise(points):
            d = hypot(x1 - x0, y1 - y0) or 1.0
            nx, ny = (y1 - y0) / d * width / 2, (x0 - x1) / d * width / 2
            self.poly([(x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)], fill)
        for x, y in points:
            self.disc(x, y, width / 2, fill)

    def star(self, x: float, y: float, n: int, r: float, inner: float, fill: Colour, turn: float = 0) -> None:
        """A star of `n` points with outer and inner radius; `turn` in degrees."""
        radii = [(r if k % 2 == 0 else inner, (turn - 90 + k * 180 / n) * pi / 180) for k in range(2 * n)]
        self.poly([(x + q * cos(a), y + q * sin(a)) for q, a in radii], fill)

    def leaf(self, x: float, y: float, angle: float, length: float, width: float, fill: Colour) -> None:
        """A pointed leaf that starts at (x, y) and points along `angle` degrees."""
        a = angle * pi / 180
        side = [(k / 13 * length, abs(sin(pi * k / 13)) ** 0.8 * width / 2) for k in range(14)]
        both = side + [(u, -v) for u, v in reversed(side)]
        self.poly([(x + u * cos(a) - v * sin(a), y + u * sin(a) + v * cos(a)) for u, v in both], fill)

    def flower(
        self, x: float, y: float, n: int, r: float, petal: float, fill: Colour, heart: Colour, turn: float = 0
    ) -> None:
        """`n` round petals of radius `petal` at distance `r`, and a heart."""
        for k in range(n):
            a = (turn + 360 * k / n) * pi / 180
            self.disc(x + r * cos(a), y + r * sin(a), petal, fill)
        self.disc(x, y, max(r * 0.6, petal * 0.6), heart)

    def spiral(self, x: float, y: float, r: float, turns: float, start: float, width: float, fill: Colour) -> None:
        """A spiral from radius `r` inwards; `start` in degrees, negative `turns` run the other way."""
        n = 26
        polar = [(r * (1 - 0.85 * i / n), (start + 360 * turns * i / n) * pi / 180) for i in range(n + 1)]
        self.line([(x + q * cos(a), y + q * sin(a)) for q, a in polar], width, fill)

    def diamond(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """A lozenge with half axes `rx` and `ry`."""
        self.poly([(x - rx, y), (x, y - ry), (x + rx, y), (x, y + ry)], fill)


@dataclass
class Shape:
    """One object: `body` polygons take the fill; `lines` and then neutral `parts` lie over it, `behind` under it.

    `rounded` asks for the shading of a round thing.
    """

    body: list[list[Point]]
    behind: Sequence[tuple[Sequence[Point], Colour]] = field(default_factory=list)
    parts: Sequence[tuple[Sequence[Point], Colour]] = field(default_factory=list)
    lines: Sequence[tuple[Sequence[Point], float]] = field(default_factory=list)
    rounded: bool = False
    base: tuple[float, float] = (0.8, 0.6)  # y of the foot and half its width: where the shadow falls


def _ring(x: float, y: float, rx: float, ry: float, width: float, start: float, end: float) -> list[Point]:
    outer = arc(x, y, rx, ry, start, end)
    return outer + arc(x, y, rx - width, ry - width, end, start)


def _bowl() -> Shape:
    side = [(1.0, -0.42), *arc(0, -0.42, 0.96, 1.06, 0, 68), (0.36, 0.72)]
    inside = (arc(0, -0.42, 0.98, 0.15, 0, 360, 40), DARK)
    foot = ([(-0.38, 0.56), (0.38, 0.56), (0.44, 0.8), (-0.44, 0.8)], DARK)
    return Shape([mirrored(side)], [foot], [inside], rounded=True, base=(0.78, 0.5))


def _vase() -> Shape:
    side = spline([(0.38, -0.95), (0.26, -0.72), (0.32, -0.5), (0.72, -0.1), (0.7, 0.35), (0.4, 0.78), (0.42, 0.95)])
    lip, foot = (arc(0, -0.94, 0.39, 0.08, 0, 360), DARK), ([(-0.38, 0.84), (0.38, 0.84)], 0.03)
    return Shape([mirrored(side)], parts=[lip], lines=[foot], rounded=True, base=(0.93, 0.45))


def _plate() -> Shape:
    stand = ([(-0.5, 0.7), (0.5, 0.7), (0.62, 0.98), (-0.62, 0.98)], DARK)
    rim = (arc(0, -0.03, 0.6, 0.6, 0, 360, 48), 0.05)
    return Shape([arc(0, -0.03, 0.96, 0.96, 0, 360, 60)], [stand], [], [rim], base=(0.96, 0.6))


def _cup() -> Shape:
    side = [(0.62, -0.62), (0.6, 0.1), *arc(0.18, 0.32, 0.4, 0.36, 0, 90, 10)]
    body = [(x - 0.18, y) for x, y in mirrored(side)]
    handle = (_ring(0.42, -0.08, 0.5, 0.46, 0.17, -110, 110), DARK)
    saucer = ([(-0.95, 0.64), (0.62, 0.64), (0.4, 0.8), (-0.73, 0.8)], DARK)
    inside = (arc(-0.18, -0.62, 0.61, 0.12, 0, 360), DARK)
    return Shape([body], [handle, saucer], [inside], rounded=True, base=(0.78, 0.75))


def _teapot() -> Shape:
    body = arc(-0.02, 0.2, 0.64, 0.56, 0, 360, 48)
    spout = [*spline([(0.45, 0.5), (0.72, 0.3), (0.76, -0.12), (1.0, -0.3)]), (0.84, -0.34)]
    spout += spline([(0.66, -0.2), (0.58, -0.02), (0.4, 0.05)])
    handle = (_ring(-0.6, 0.14, 0.4, 0.42, 0.13, 75, 285), DARK)
    foot = (box(-0.36, 0.7, 0.32, 0.82), DARK)
    lid = [*arc(-0.02, -0.3, 0.36, 0.24, 180, 360), (0.34, -0.26), (-0.38, -0.26)]
    knob = (arc(-0.02, -0.6, 0.11, 0.11, 0, 360), DARK)
    return Shape([spout, body, lid], [handle, foot], [knob], rounded=True, base=(0.8, 0.5))


def _robe() -> Shape:
    right = [(0.16, -0.92), (0.36, -0.88), (0.98, -0.32), (0.98, 0.12), (0.68, 0.2), (0.46, -0.14)]
    right += [(0.5, 0.3), (0.64, 0.94)]
    collar = ([(-0.26, -0.93), (-0.12, -0.93), (0.0, -0.5), (0.12, -0.93), (0.26, -0.93), (0.0, -0.26)], DARK)
    belt = (box(-0.47, 0.0, 0.47, 0.16), DARK)
    neck = ([(-0.13, -0.94), (0.13, -0.94), (0, -0.5)], PALE)
    return Shape([mirrored(right)], [], [neck, collar, belt], [([(0, 0.16), (0, 0.94)], 0.04)], base=(0.93, 0.6))


def _house() -> Shape:
    roof = ([(-0.98, -0.22), (0.98, -0.22), (0.6, -0.86), (-0.6, -0.86)], (120, 92, 82))
    chimney = (box(0.3, -0.99, 0.5, -0.6), DARK)
    door = (box(-0.15, 0.36, 0.17, 0.92), DARK)
    windows = [(box(x, 0.06, x + 0.32, 0.4), PALE) for x in (-0.62, 0.3)]
    return Shape([box(-0.8, -0.24, 0.8, 0.92)], [chimney], [roof, door, *windows], base=(0.9, 0.85))


def _door() -> Shape:
    frame = ([(-0.62, 0.96), *arc(0, -0.42, 0.62, 0.56, 180, 360), (0.62, 0.96)], DARK)
    leaf = [(-0.5, 0.94), *arc(0, -0.42, 0.5, 0.44, 180, 360), (0.5, 0.94)]
    step = (box(-0.76, 0.9, 0.76, 1.0), (120, 110, 104))
    knob = (arc(0.36, 0.22, 0.09, 0.09, 0, 360), (206, 178, 110))
    panels = [(box(0, -0.86, 0, 0.9), 0.04), (box(-0.5, -0.36, 0.5, -0.36), 0.04)]
    return Shape([leaf], [frame], [step, knob], panels, base=(0.97, 0.75))


def _fan() -> Shape:
    leaf = _ring(0, 0.62, 1.0, 1.22, 0.78, 195, 345)
    ribs = [([(0, 0.66), arc(0, 0.62, 0.98, 1.2, a, a)[0]], 0.035) for a in range(195, 346, 25)]
    sticks = [([(0.0, 0.72), *arc(0, 0.62, 0.3, 0.5, 198 + 36 * k, 216 + 36 * k, 2)], DARK) for k in range(4)]
    pivot = (arc(0, 0.7, 0.09, 0.09, 0, 360), DARK)
    return Shape([leaf], sticks, [pivot], ribs, base=(0.8, 0.3))


def _lantern() -> Shape:
    body = arc(0, -0.06, 0.8, 0.64, 0, 360, 48)
    caps = [(box(-0.38, -0.8, 0.38, -0.62), DARK), (box(-0.38, 0.5, 0.38, 0.66), DARK)]
    tassel = ([(-0.06, 0.6), (0.06, 0.6), (0.16, 1.0), (-0.16, 1.0)], DARK)
    hook = (box(-0.03, -1.0, 0.03, -0.76), DARK)
    ribs = [(arc(0, -0.06, 0.38, 0.62, start, start + 180), 0.03) for start in (-90, 90)]
    return Shape([body], [tassel, hook], caps, ribs, rounded=True, base=(0.97, 0.3))


def _chest() -> Shape:
    lid = [(-0.95, -0.12), *arc(0, -0.12, 0.95, 0.5, 180, 360), (0.95, -0.12)]
    bands = [(box(x, -0.52, x + 0.11, 0.78), DARK) for x in (-0.66, 0.55)]
    rail = (box(-0.97, -0.17, 0.97, -0.07), DARK)
    lock = (box(-0.13, -0.22, 0.13, 0.1), (206, 178, 110))
    return Shape([lid, box(-0.92, -0.1, 0.92, 0.78)], [], [*bands, rail, lock], base=(0.78, 0.95))


def _carpet() -> Shape:
    knots = [(s, -0.6 + 0.14 * k) for s in (-1, 1) for k in range(9)]
    fringe = [([(s * 0.86, y), (s, y + 0.02), (s, y + 0.06), (s * 0.86, y + 0.05)], PALE) for s, y in knots]
    edge = box(-0.75, -0.49, 0.75, 0.51)
    return Shape([box(-0.87, -0.62, 0.87, 0.64)], fringe, [], [([*edge, edge[0]], 0.05)], base=(0.62, 0.95))


def _drum() -> Shape:
    side = spline([(0.7, -0.6), (0.8, 0.05), (0.7, 0.7)])
    body = [*side, *arc(0, 0.7, 0.7, 0.18, 0, 180), *((-x, y) for x, y in reversed(side))]
    skin = (arc(0, -0.58, 0.72, 0.22, 0, 360, 40), PALE)
    stick = [(-0.62, -0.95), (-0.55, -0.98), (-0.05, -0.52), (-0.12, -0.5)]
    sticks = [([(s * x, y) for x, y in stick], DARK) for s in (1, -1)]
    hoops = [(arc(0, y, 0.74, 0.2, 5, 175), 0.07) for y in (-0.4, 0.6)]
    return Shape([body], [], [skin, *sticks], hoops, rounded=True, base=(0.86, 0.7))


def _boat() -> Shape:
    hull = mirrored([(1.0, 0.22), *spline([(0.94, 0.4), (0.7, 0.74), (0.5, 0.82)])])
    sail, jib = [(0.06, -0.9), (0.82, 0.08), (0.06, 0.08)], [(-0.08, -0.76), (-0.08, 0.08), (-0.66, 0.08)]
    mast = (box(-0.05, -0.98, 0.03, 0.24), DARK)
    return Shape([hull, sail, jib], [mast], [(box(-1.0, 0.2, 1.0, 0.3), DARK)], base=(0.8, 0.8))


SHAPES: Final[dict[str, Shape]] = {
    "bowl": _bowl(), "vase": _vase(), "plate": _plate(), "cup": _cup(), "teapot": _teapot(), "robe": _robe(),
    "house": _house(), "door": _door(), "fan": _fan(), "lantern": _lantern(), "chest": _chest(), "carpet": _carpet(),
    "drum": _drum(), "boat": _boat(),
}  # fmt: skip


def draw_companion(name: str, size: int) -> Image.Image:
    """A square RGBA picture, `size` px wide, of the tree, the ball or the bird, on a clear ground."""
    s = size * 4
    image = Image.new("RGBA", (s, s), (*INK, 0))
    draw = ImageDraw.Draw(image)

    def oval(x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        draw.ellipse([(x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s], (*fill, 255))

    def poly(points: Sequence[Point], fill: Colour) -> None:
        draw.polygon([(x * s, y * s) for x, y in points], (*fill, 255))

    if name == "tree":
        poly(box(0.42, 0.6, 0.58, 1.0), (134, 92, 58))
        for x, y, r in ((0.3, 0.48, 0.26), (0.7, 0.48, 0.26), (0.5, 0.28, 0.28), (0.5, 0.5, 0.25)):
            oval(x, y, r, r, (34, 116, 58))
        oval(0.42, 0.26, 0.13, 0.13, (96, 172, 90))
    elif name == "ball":
        oval(0.5, 0.56, 0.43, 0.43, (120, 14, 20))
        oval(0.5, 0.56, 0.38, 0.38, (216, 36, 40))
        oval(0.37, 0.42, 0.1, 0.1, (255, 190, 180))
    else:
        poly([(0.3, 0.5), (0.02, 0.36), (0.06, 0.66)], (50, 80, 136))
        oval(0.45, 0.55, 0.32, 0.22, (92, 132, 190))
        oval(0.72, 0.38, 0.17, 0.17, (92, 132, 190))
        poly([(0.86, 0.32), (1.0, 0.42), (0.85, 0.46)], (236, 160, 40))
        poly([(0.3, 0.5), (0.6, 0.46), (0.34, 0.12)], (50, 80, 136))
        oval(0.76, 0.35, 0.045, 0.045, (245, 245, 245))
        for x in (0.4, 0.52):
            poly(box(x, 0.75, x + 0.05, 0.95), (236, 160, 40))
    return image.resize((size, size), Image.Resampling.BOX)
