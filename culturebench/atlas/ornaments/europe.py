"""Germany, Russia, Italy, the Netherlands, Poland, Ukraine, Spain and Portugal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin
from typing import Final

import numpy as np
from PIL import Image

from culturebench.atlas.ornaments._colours import BLACK, WHITE
from culturebench.atlas.shapes import PX, Colour, Tile, box, spline


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


TILES: Final[tuple[Callable[[], Tile], ...]] = (
    _rautenmuster,
    _fachwerk,
    _khokhloma,
    _gzhel,
    _maiolica,
    _cosmatesque,
    _hindeloopen,
    _delft,
    _boleslawiec,
    _lowicz,
    _petrykivka,
    _vyshyvanka,
    _talavera,
    _trencadis,
    _azulejo,
    _barcelos,
)
