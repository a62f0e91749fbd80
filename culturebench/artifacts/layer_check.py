"""How far each layer's attention alone takes a noun prompt to the cultural one: what cultural attention is held to."""

from __future__ import annotations

from typing import Any, TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "check_layers"
DIRECTORY = "data/check"
PATH = DIRECTORY + "/{encoder}.json"


class Point(TypedDict):
    """One layer.

    `effect` of the cultural modifier and `control` of the neutral one are shares of the way from the noun prompt;
    `beyond` is their difference with its interval, `excess` how far that exceeds its neighbours'.
    """

    layer: int
    effect: float
    effect_low: float
    effect_high: float
    control: float
    beyond: float
    low: float
    high: float
    excess: float | None
    candidate: bool
    marked: bool


class Check(TypedDict):
    """All layers.

    `layer` is the 0-based layer that stands out, null for none; `pairs` and `dropped` count pairs of train captions,
    and with fewer than `least_pairs` there are no points.
    """

    layer: int | None
    layers: int
    share: float
    least_pairs: int
    pairs: int
    dropped: dict[str, int]
    points: list[Point]


KEYS = frozenset(Check.__annotations__)
POINT = tuple(Point.__annotations__)


def _whole(content: Any) -> bool:
    return content.keys() == KEYS and all(set(point) == set(POINT) for point in content["points"])


FILE: JsonFile[Check] = JsonFile(STAGE, "the effect of every layer", _whole)
save, load = FILE.save, FILE.load
