"""China, Japan, Korea, Thailand, India and Vietnam."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import cos, pi, sin
from typing import Final

import numpy as np

from culturebench.atlas.ornaments._colours import BLACK, WHITE
from culturebench.atlas.shapes import Tile, box, spline


def _huiwen() -> Tile:
    t = Tile((196, 26, 28), 0.9, 0.9)
    path = [(0, 0.82), (0.1, 0.82), (0.1, 0.1), (0.78, 0.1), (0.78, 0.64), (0.32, 0.64), (0.32, 0.36), (0.55, 0.36)]
    for (x0, y0), (x1, y1) in pairwise(path):
        t.poly(box(min(x0, x1) - 0.06, min(y0, y1) - 0.06, max(x0, x1) + 0.06, max(y0, y1) + 0.06), BLACK)
    t.poly(box(0, 0.76, 0.9, 0.88), BLACK)
    return t


def _blue_white() -> Tile:
    t = Tile((24, 50, 158), 1.2, 1.2)
    for x, y, s in ((0.3, 0.3, 1), (0.9, 0.3, -1), (0.3, 0.9, -1), (0.9, 0.9, 1)):
        t.spiral(x, y, 0.27, 1.4 * s, 45, 0.085, WHITE)
    t.flower(0.6, 0.6, 6, 0.13, 0.08, WHITE, (24, 50, 158))
    t.flower(0.0, 0.0, 6, 0.13, 0.08, WHITE, (24, 50, 158))
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


TILES: Final[tuple[Callable[[], Tile], ...]] = (
    _huiwen,
    _blue_white,
    _seigaiha,
    _asanoha,
    _dancheong,
    _jogakbo,
    _lai_thai,
    _benjarong,
    _paisley,
    _warli,
    _dong_son,
    _bat_trang,
)
