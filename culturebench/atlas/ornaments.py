"""Thirty-four repeating ornament tiles, each after a living craft tradition, drawn large enough to read at 64 px.

Tile coordinates: one unit is one repeat of the ornament; shapes wrap round the edges of the tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import cos, pi, sin
from typing import Final

import numpy as np
from PIL import Image

from culturebench.atlas.shapes import PX, Colour, Point, Tile, box, spline

WHITE: Final[Colour] = (250, 249, 244)
BLACK: Final[Colour] = (24, 20, 20)


def _girih() -> Tile:
    t = Tile((14, 138, 142))
    gold, ivory = (228, 178, 58), (248, 236, 196)
    for x, y, r in ((0.5, 0.5, 0.5), (0.0, 0.0, 0.26)):
        t.star(x, y, 8, r, r * 0.66, ivory)
        t.star(x, y, 8, r * 0.8, r * 0.53, gold)
        t.star(x, y, 8, r * 0.45, r * 0.3, (10, 78, 96), 22.5)
    return t


def _arabesque() -> Tile:
    t = Tile((10, 84, 56), 1.2, 1.2)
    ivory = (238, 230, 196)
    for x, y, s in ((0.3, 0.3, 1), (0.9, 0.9, -1)):
        t.spiral(x, y, 0.3, 1.2 * s, 90, 0.08, ivory)
        t.leaf(x + 0.28, y - 0.02, -30, 0.36, 0.2, ivory)
        t.leaf(x - 0.2, y + 0.26, 120, 0.36, 0.2, ivory)
        t.disc(x, y, 0.08, (226, 190, 90))
    return t


def _blue_white() -> Tile:
    t = Tile((24, 50, 158), 1.2, 1.2)
    for x, y, s in ((0.3, 0.3, 1), (0.9, 0.3, -1), (0.3, 0.9, -1), (0.9, 0.9, 1)):
        t.spiral(x, y, 0.27, 1.4 * s, 45, 0.085, WHITE)
    t.flower(0.6, 0.6, 6, 0.13, 0.08, WHITE, (24, 50, 158))
    t.flower(0.0, 0.0, 6, 0.13, 0.08, WHITE, (24, 50, 158))
    return t


def _huiwen() -> Tile:
    t = Tile((196, 26, 28), 0.9, 0.9)
    path = [(0, 0.82), (0.1, 0.82), (0.1, 0.1), (0.78, 0.1), (0.78, 0.64), (0.32, 0.64), (0.32, 0.36), (0.55, 0.36)]
    for (x0, y0), (x1, y1) in pairwise(path):
        t.poly(box(min(x0, x1) - 0.06, min(y0, y1) - 0.06, max(x0, x1) + 0.06, max(y0, y1) + 0.06), BLACK)
    t.poly(box(0, 0.76, 0.9, 0.88), BLACK)
    return t


def _seigaiha() -> Tile:
    t = Tile(WHITE, 1.0, 0.5)
    t_w, t.w, t.h = t.w, 99.0, 99.0  # rows overlap in order, so the copies are drawn by hand
    for k in range(-1, 6):
        for x in np.arange(-1, 3) * t_w + 0.5 * (k % 2):
            for r, c in ((0.5, WHITE), (0.45, (34, 52, 104)), (0.32, WHITE), (0.24, (34, 52, 104)), (0.11, WHITE)):
                t.disc(float(x), 0.25 * k, r, c)
    return t


def _asanoha() -> Tile:
    h = 3**0.5
    t = Tile((168, 138, 204), 1.0, h)
    for x, y in ((0.0, 0.0), (0.5, h / 2)):
        for k in range(6):
            a, b = k * pi / 3, k * pi / 3 + pi / 6
            t.line([(x, y), (x + cos(a), y + sin(a))], 0.055, WHITE)
            t.line([(x, y), (x + cos(b) / h, y + sin(b) / h)], 0.055, WHITE)
    return t


def _dancheong() -> Tile:
    t = Tile((16, 128, 92), 0.9, 1.2)
    for y0, y1, c in (
        (0, 0.1, WHITE),
        (0.1, 0.34, (206, 58, 38)),
        (0.34, 0.42, (242, 196, 60)),
        (0.42, 0.62, (40, 72, 176)),
    ):
        t.poly(box(0, y0, 0.9, y1), c)
    t.flower(0.45, 0.91, 8, 0.17, 0.09, (244, 150, 150), (206, 58, 38))
    t.disc(0.45, 0.91, 0.06, (242, 196, 60))
    for x in (0.225, 0.675):
        t.disc(x, 0.52, 0.06, WHITE)
    return t


def _jogakbo() -> Tile:
    t = Tile((246, 240, 226), 1.6, 1.6)
    patches = (
        (0, 0, 0.7, 0.45, (240, 158, 172)), (0.7, 0, 1.6, 0.3, (160, 216, 190)), (0, 0.45, 0.35, 1.1, (246, 220, 130)),
        (0.35, 0.45, 0.7, 1.1, (196, 178, 222)), (0.7, 0.3, 1.15, 0.9, (244, 232, 206)),
        (1.15, 0.3, 1.6, 0.9, (150, 200, 228)),
        (0.7, 0.9, 1.6, 1.2, (240, 158, 172)), (0, 1.1, 0.7, 1.6, (150, 200, 228)),
        (0.7, 1.2, 1.15, 1.6, (246, 220, 130)),
        (1.15, 1.2, 1.6, 1.6, (160, 216, 190)),
    )  # fmt: skip
    for x0, y0, x1, y1, c in patches:
        t.poly(box(x0 + 0.03, y0 + 0.03, x1 - 0.03, y1 - 0.03), c)
    return t


def _lai_thai() -> Tile:
    t = Tile((112, 10, 34), 0.9, 1.1)
    gold = (240, 186, 56)
    for x, y in ((0.225, 0.5), (0.675, 1.05)):
        flame = spline([(0, 0.0), (-0.2, -0.12), (-0.16, -0.3), (0.0, -0.5), (0.1, -0.34), (0.2, -0.16), (0, 0.0)])
        t.poly([(x + u, y + v) for u, v in flame], gold)
        t.leaf(x, y - 0.04, -90, 0.3, 0.15, (112, 10, 34))
        for s in (0, 180):
            t.leaf(x, y + 0.02, -35 if s == 0 else 215, 0.27, 0.11, gold)
    return t


def _benjarong() -> Tile:
    t = Tile((214, 66, 122), 0.9, 0.9)
    t.diamond(0.45, 0.45, 0.45, 0.45, (244, 204, 70))
    t.diamond(0.45, 0.45, 0.36, 0.36, (20, 116, 84))
    t.flower(0.45, 0.45, 4, 0.12, 0.09, WHITE, (36, 44, 120), 45)
    t.flower(0, 0, 4, 0.12, 0.09, WHITE, (36, 44, 120), 45)
    return t


def _rautenmuster() -> Tile:
    t = Tile(WHITE, 0.62, 0.95)
    t.diamond(0.31, 0.475, 0.31, 0.475, (66, 158, 226))
    return t


def _fachwerk() -> Tile:
    t = Tile((244, 232, 204), 1.2, 1.1)
    wood = (84, 50, 30)
    for p in (
        [(0, 0), (1.2, 0)],
        [(0, 0), (0, 1.1)],
        [(0.6, 0), (0.6, 1.1)],
        [(0, 1.1), (0.6, 0)],
        [(0.6, 0), (1.2, 1.1)],
    ):
        t.line(p, 0.14, wood)
    return t


def _khokhloma() -> Tile:
    t = Tile(BLACK)
    red, gold = (214, 32, 28), (236, 182, 52)
    t.line(spline([(0, 0.5), (0.25, 0.36), (0.5, 0.5), (0.75, 0.64), (1, 0.5)]), 0.06, gold)
    for x, y, a in ((0.25, 0.4, 250), (0.75, 0.6, 70), (0.5, 0.5, 200), (0.02, 0.5, 20)):
        t.leaf(x, y, a, 0.42, 0.24, gold)
    for x, y in ((0.55, 0.18), (0.7, 0.28), (0.55, 0.34), (0.05, 0.7), (0.2, 0.8), (0.05, 0.86)):
        t.disc(x, y, 0.09, red)
    return t


def _gzhel() -> Tile:
    t = Tile(WHITE, 1.2, 1.2)
    deep, mid = (26, 74, 196), (120, 170, 240)
    for x, y in ((0.3, 0.3), (0.9, 0.9)):
        t.flower(x, y, 5, 0.16, 0.15, mid, deep, -90)
        for k in range(5):
            t.leaf(x, y, -90 + 72 * k, 0.3, 0.13, deep)
        t.disc(x, y, 0.07, WHITE)
        for a in (35, 215):
            t.leaf(x + 0.24 * cos(a * pi / 180 + 0.6), y + 0.24 * sin(a * pi / 180 + 0.6), a + 35, 0.32, 0.15, deep)
    return t


def _maiolica() -> Tile:
    t = Tile((246, 168, 30))
    blue = (28, 58, 150)
    t.disc(0.5, 0.5, 0.38, blue)
    t.flower(0.5, 0.5, 8, 0.2, 0.085, (250, 226, 120), (214, 96, 24))
    for a in range(45, 360, 90):
        t.leaf(0, 0, a, 0.3, 0.16, (46, 128, 84))
    t.disc(0, 0, 0.1, WHITE)
    return t


def _cosmatesque() -> Tile:
    t = Tile((226, 220, 208), 1.1, 1.1)
    red, green = (122, 30, 54), (42, 92, 72)
    for x, y, c in ((0.275, 0.275, red), (0.825, 0.825, red), (0.825, 0.275, green), (0.275, 0.825, green)):
        t.disc(x, y, 0.265, (150, 140, 130))
        t.disc(x, y, 0.23, c)
        t.disc(x, y, 0.1, (240, 236, 226))
        t.diamond(x + 0.275, y + 0.275, 0.11, 0.11, green if c == red else red)
    return t


def _hindeloopen() -> Tile:
    t = Tile((176, 24, 34))
    for x, y in ((0.25, 0.28), (0.75, 0.78)):
        for a in (20, 160, 250):
            t.leaf(x, y, a, 0.42, 0.2, (38, 110, 66))
        t.flower(x, y, 6, 0.14, 0.09, WHITE, (240, 196, 80))
    return t


def _delft() -> Tile:
    t = Tile((234, 240, 248), 1.1, 1.1)
    blue, pale = (52, 92, 172), (140, 172, 218)
    for p in ([(0, 0), (1.1, 0)], [(0, 0), (0, 1.1)]):
        t.line(p, 0.07, pale)
    t.star(0, 0, 4, 0.32, 0.1, blue, 45)
    t.poly([(0.3, 0.62), (0.8, 0.62), (0.7, 0.76), (0.4, 0.76)], blue)
    t.poly([(0.53, 0.3), (0.53, 0.57), (0.34, 0.57)], blue)
    t.poly([(0.58, 0.34), (0.58, 0.57), (0.74, 0.57)], pale)
    return t


def _boleslawiec() -> Tile:
    t = Tile((16, 30, 88), 0.8, 0.8)
    for x, y in ((0.2, 0.2), (0.6, 0.6)):
        for r, c in ((0.2, (226, 226, 214)), (0.15, (40, 84, 178)), (0.075, (190, 70, 40))):
            t.disc(x, y, r, c)
    for x, y in ((0.6, 0.2), (0.2, 0.6)):
        t.flower(x, y, 4, 0.07, 0.045, (70, 140, 96), (226, 226, 214))
    return t


def _lowicz() -> Tile:
    t = Tile((244, 122, 26), 1.2, 0.8)
    edges = (0.55, 0.64, 0.85, 0.91, 1.12, 1.2)
    stripes = (BLACK, (20, 140, 66), (246, 220, 60), (112, 40, 140), BLACK)
    for x0, x1, c in zip(edges, edges[1:], stripes, strict=False):
        t.poly(box(x0, 0, x1, 0.8), c)
    t.flower(0.275, 0.4, 8, 0.18, 0.085, (222, 30, 96), (246, 220, 60))
    t.disc(0.275, 0.4, 0.05, (20, 140, 66))
    return t


def _iznik() -> Tile:
    t = Tile(WHITE)
    red, turq, blue = (206, 36, 30), (18, 158, 168), (26, 66, 150)
    for x, y in ((0.25, 0.02), (0.75, 0.52)):
        t.line([(x, y + 0.3), (x, y + 0.5)], 0.05, turq)
        for a in (-50, -130):
            t.leaf(x, y + 0.48, a, 0.4, 0.15, turq)
        cup = [(-0.19, 0), (-0.08, 0.1), (0, -0.04), (0.08, 0.1), (0.19, 0), (0.14, 0.24), (0, 0.36), (-0.14, 0.24)]
        t.poly([(x + u, y + v) for u, v in cup], red)
        t.disc(x, y + 0.52, 0.07, blue)
    return t


def _steps(x: float, y: float, n: int, cell: float) -> list[Point]:
    """A stepped diamond of `n` steps about (x, y)."""
    quarter: list[Point] = []
    for k in range(n):
        quarter += [((k + 1) * cell, -(n - k) * cell), ((k + 1) * cell, -(n - k - 1) * cell)]
    right = quarter + [(u, -v) for u, v in reversed(quarter)]
    return [(x + u, y + v) for u, v in right] + [(x - u, y + v) for u, v in reversed(right)]


def _kilim() -> Tile:
    t = Tile((162, 50, 34), 1.0, 0.9)
    for n, c in ((4, (226, 156, 56)), (3, (60, 36, 40)), (2, (240, 222, 180)), (1, (162, 50, 34))):
        t.poly(_steps(0.5, 0.45, n, 0.105), c)
    t.poly(_steps(0, 0, 2, 0.09), (38, 92, 100))
    return t


def _petrykivka() -> Tile:
    t = Tile((255, 236, 158), 1.1, 1.1)
    for x, y, c in ((0.28, 0.28, (222, 30, 40)), (0.83, 0.83, (230, 96, 20))):
        for a in (20, 70, 200, 250):
            t.leaf(x + 0.1 * cos(a * pi / 180), y + 0.1 * sin(a * pi / 180), a, 0.42, 0.15, (48, 150, 52))
        for k in range(7):
            t.leaf(x, y, 360 / 7 * k, 0.29, 0.17, c)
        t.disc(x, y, 0.08, (255, 214, 40))
    return t


def _pixels(rows: Sequence[str], cell: float, colours: dict[str, Colour], ground: Colour) -> Tile:
    """A tile of square cells, one for each letter of `rows`; a letter without a colour leaves the ground."""
    t = Tile(ground, len(rows[0]) * cell, len(rows) * cell)
    for j, row in enumerate(rows):
        for i, letter in enumerate(row):
            if letter in colours:
                t.draw.rectangle(
                    [i * cell * PX, j * cell * PX, (i + 1) * cell * PX, (j + 1) * cell * PX], colours[letter]
                )
    return t


def _vyshyvanka() -> Tile:
    rows = ("K.......", "....r...", "...rrr..", "..rr.rr.", ".rr.K.rr", "..rr.rr.", "...rrr..", "....r...")
    return _pixels(rows, 0.125, {"r": (216, 16, 26), "K": BLACK}, WHITE)


def _talavera() -> Tile:
    t = Tile((250, 244, 226))
    yellow, blue, green = (246, 200, 30), (24, 70, 168), (44, 146, 74)
    for a in range(0, 360, 90):
        t.leaf(0.5, 0.5, a + 45, 0.6, 0.24, green)
    for a in range(0, 360, 90):
        t.leaf(0.5, 0.5, a, 0.44, 0.28, blue)
    t.disc(0.5, 0.5, 0.17, yellow)
    t.disc(0, 0, 0.26, yellow)
    t.disc(0, 0, 0.11, (214, 84, 24))
    return t


def _trencadis() -> Tile:
    """A broken-tile mosaic: the cells of seeded points on a torus, with pale grout between them."""
    rng = np.random.default_rng(5)
    side = 1.5
    grid = rng.permutation([((i + 0.5) / 5, (j + 0.5) / 5) for i in range(5) for j in range(5)])
    points = (grid + rng.uniform(-0.07, 0.07, grid.shape)) * side
    axis = np.arange(round(side * PX)) / PX
    gap = np.abs(np.stack(np.meshgrid(axis, axis), -1)[:, :, None] - points)
    distance = np.hypot(*np.moveaxis(np.minimum(gap, side - gap), -1, 0))
    glazes = [(230, 70, 50), (250, 200, 50), (30, 130, 190), (60, 170, 110), (20, 60, 130), (240, 140, 60)]
    pixels = np.array(glazes, np.uint8)[distance.argmin(-1) % len(glazes)]
    near = np.sort(distance, -1)
    pixels[near[..., 1] - near[..., 0] < 0.05] = (232, 226, 214)
    t = Tile(WHITE, side, side)
    t.image = Image.fromarray(pixels)
    return t


def _azulejo() -> Tile:
    t = Tile(WHITE)
    blue, yellow = (28, 84, 190), (246, 198, 40)
    t.disc(0, 0, 0.48, blue)
    t.disc(0, 0, 0.34, WHITE)
    t.star(0, 0, 4, 0.34, 0.13, blue, 45)
    t.diamond(0.5, 0.5, 0.24, 0.24, yellow)
    for x, y in ((0.5, 0.0), (0.0, 0.5)):
        t.diamond(x, y, 0.1, 0.1, yellow)
    return t


def _barcelos() -> Tile:
    t = Tile((22, 20, 26))
    red, heart = (226, 30, 44), [(0, 0.28), (-0.25, -0.02), (-0.2, -0.14), (0, -0.06), (0.2, -0.14), (0.25, -0.02)]
    for x, y in ((0.27, 0.27), (0.77, 0.77)):
        t.poly([(x + u, y + v) for u, v in heart], red)
        for u in (-0.125, 0.125):
            t.disc(x + u, y - 0.08, 0.13, red)
        t.disc(x, y, 0.075, WHITE)
    for x, y in ((0.77, 0.27), (0.27, 0.77)):
        t.flower(x, y, 5, 0.13, 0.065, (250, 210, 40), (60, 130, 210), -90)
    return t


def _kente() -> Tile:
    t = Tile((244, 196, 24), 1.2, 1.2)
    green, red = (12, 128, 60), (206, 28, 36)
    for x, y, c in ((0, 0, green), (0.6, 0.6, red)):
        for k in range(3):
            t.poly(box(x, y + 0.2 * k, x + 0.6, y + 0.2 * k + 0.1), c)
        for k in range(3):
            t.poly(box(x + 0.6 + 0.2 * k, y, x + 0.7 + 0.2 * k, y + 0.6), BLACK)
    t.poly(box(0.8, 0.2, 1.0, 0.4), red)
    t.poly(box(0.2, 0.8, 0.4, 1.0), green)
    return t


def _bogolan() -> Tile:
    t = Tile((62, 38, 24), 1.2, 1.2)
    cream = (232, 214, 178)
    t.line([(0, 0.32), (0.2, 0.12), (0.4, 0.32), (0.6, 0.12), (0.8, 0.32), (1.0, 0.12), (1.2, 0.32)], 0.09, cream)
    t.poly(box(0, 0.5, 1.2, 0.57), cream)
    for x in (0.3, 0.9):
        t.line([(x - 0.14, 0.72), (x + 0.14, 1.0)], 0.08, cream)
        t.line([(x + 0.14, 0.72), (x - 0.14, 1.0)], 0.08, cream)
    for x in (0.0, 0.6):
        t.disc(x, 0.86, 0.09, (170, 104, 50))
    t.poly(box(0, 1.12, 1.2, 1.19), cream)
    return t


def _paisley() -> Tile:
    t = Tile((190, 18, 104), 0.95, 1.0)
    saffron = (252, 166, 30)
    for x, y, s in ((0.24, 0.3, 1), (0.71, 0.8, -1)):
        drop = spline([(0, 0.24), (-0.21, 0.08), (-0.1, -0.2), (0.2, -0.24), (0.12, -0.12), (0.21, 0.08), (0, 0.24)])
        t.poly([(x + u * s, y + v) for u, v in drop], saffron)
        t.disc(x, y + 0.06, 0.11, (120, 10, 80))
        t.disc(x, y + 0.06, 0.055, (255, 236, 170))
    return t


def _warli() -> Tile:
    t = Tile((168, 74, 40), 1.1, 1.1)
    for x, y in ((0.275, 0.28), (0.825, 0.83)):
        t.spiral(x, y, 0.23, 1.5, 0, 0.065, WHITE)
    for x, y in ((0.825, 0.28), (0.275, 0.83)):
        t.poly([(x - 0.17, y - 0.22), (x + 0.17, y - 0.22), (x, y)], WHITE)
        t.poly([(x - 0.17, y + 0.22), (x + 0.17, y + 0.22), (x, y)], WHITE)
    return t


def _dong_son() -> Tile:
    t = Tile((146, 106, 48), 1.2, 1.2)
    dark, light = (66, 66, 40), (224, 188, 104)
    for r, c in ((0.56, dark), (0.48, (146, 106, 48)), (0.42, dark)):
        t.disc(0.6, 0.6, r, c)
    t.star(0.6, 0.6, 10, 0.41, 0.15, light)
    t.disc(0, 0, 0.13, light)
    return t


def _bat_trang() -> Tile:
    t = Tile((222, 216, 196), 0.9, 1.0)
    blue = (78, 98, 136)
    t.poly(box(0, 0, 0.9, 0.22), (112, 64, 36))
    t.flower(0.32, 0.61, 7, 0.19, 0.1, blue, (222, 216, 196))
    t.disc(0.32, 0.61, 0.07, blue)
    t.leaf(0.72, 0.88, -90, 0.52, 0.2, blue)
    return t


_TILES: Final[dict[str, Callable[[], Tile]]] = {
    f.__name__[1:]: f
    for f in (
        _girih, _arabesque, _blue_white, _huiwen, _seigaiha, _asanoha, _dancheong, _jogakbo, _lai_thai, _benjarong,
        _rautenmuster, _fachwerk, _khokhloma, _gzhel, _maiolica, _cosmatesque, _hindeloopen, _delft, _boleslawiec,
        _lowicz, _iznik, _kilim, _petrykivka, _vyshyvanka, _talavera, _trencadis, _azulejo, _barcelos, _kente, _bogolan,
        _paisley, _warli, _dong_son, _bat_trang,
    )
}  # fmt: skip


@lru_cache(maxsize=len(_TILES))
def draw_tile(name: str) -> Image.Image:
    """The RGB tile of one subdivision, `shapes.PX` pixels to the unit. Raises KeyError for an unknown name."""
    return _TILES[name]().image
