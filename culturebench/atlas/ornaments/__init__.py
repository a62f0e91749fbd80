"""Thirty-four repeating ornament tiles, each after a living craft tradition, drawn large enough to read at 64 px.

Tile coordinates: one unit is one repeat of the ornament; shapes wrap round the edges of the tile.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image

from culturebench.atlas.ornaments import asia, europe, middle_east_africa

TILES = {draw.__name__[1:]: draw for draw in (*asia.TILES, *europe.TILES, *middle_east_africa.TILES)}


@lru_cache(maxsize=len(TILES))
def draw_tile(name: str) -> Image.Image:
    """The RGB tile of one subdivision, `shapes.PX` pixels to the unit. Raises KeyError for an unknown name."""
    return TILES[name]().image
