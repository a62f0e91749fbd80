"""The Arab world, Turkey, and the francophone parts of Africa."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from culturebench.atlas.ornaments._colours import BLACK, WHITE
from culturebench.atlas.shapes import Point, Tile, box


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


TILES: Final[tuple[Callable[[], Tile], ...]] = (
    _girih,
    _arabesque,
    _iznik,
    _kilim,
    _kente,
    _bogolan,
)
