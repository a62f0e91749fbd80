"""Two colours that many crafts share."""

from __future__ import annotations

from typing import Final

from culturebench.atlas.shapes import Colour

WHITE: Final[Colour] = (250, 249, 244)
BLACK: Final[Colour] = (24, 20, 20)
