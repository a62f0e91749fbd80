"""The rules that a candidate must pass before people see it."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.images.decode import Undecodable, decode
from culturebench.images.measures import contrast, sharpness
from culturebench.params.screen import Screen


@dataclass(frozen=True)
class Screened:
    """The rule that a picture breaks (empty when none), its size in pixels, its sharpness, and a sentence."""

    reason: str
    width: int = 0
    height: int = 0
    sharpness: float = 0.0
    detail: str = ""


def screen(data: bytes, licence: str, rules: Screen) -> Screened:
    """Judge a file's bytes and licence; the reason is a word for counting, see `Screen` and `Undecodable`."""
    try:
        image = decode(data, rules.max_pixels)
    except Undecodable as undecodable:
        return Screened(undecodable.reason, detail=str(undecodable))
    width, height = image.size
    sharp = sharpness(image)

    def broken(reason: str, detail: str) -> Screened:
        return Screened(reason, width, height, sharp, detail)

    if min(width, height) < rules.min_side:
        return broken("too_small", f"{width} x {height} pixels; the shorter side needs {rules.min_side}")
    if max(width, height) > rules.max_aspect * min(width, height):
        return broken("aspect", f"{width} x {height} pixels; at most {rules.max_aspect:g} : 1 is allowed")
    if (spread := contrast(image)) < rules.min_contrast:
        return broken("uniform", f"contrast {spread:.4f}; at least {rules.min_contrast:g} is needed")
    if sharp < rules.min_sharpness:
        return broken("blurred", f"sharpness {sharp:.6f}; at least {rules.min_sharpness:g} is needed")
    if licence not in rules.licences:
        return broken("licence", f"licence {licence} is not in screen.licences")
    return broken("", "")
