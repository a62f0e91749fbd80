"""How far each layer's attention alone takes a noun prompt to the cultural one: what cultural attention is held to."""

from __future__ import annotations

from typing import Any

from culturebench.artifacts._json import JsonFile

STAGE = "check_layers"
DIRECTORY = "data/check"
PATH = DIRECTORY + "/{encoder}.json"

#: `layer` is the 0-based layer that stands out, null for none; `pairs` and `dropped` count pairs of train captions,
#: and with fewer than `least_pairs` there are no points.
KEYS = frozenset({"layer", "layers", "share", "least_pairs", "pairs", "dropped", "points"})
#: Of each layer: `effect` of the cultural modifier and `control` of the neutral one, shares of the way from the noun
#: prompt; `beyond` is their difference with its interval, `excess` how far that exceeds its neighbours'.
POINT = ("layer", "effect", "effect_low", "effect_high", "control", "beyond", "low", "high", "excess", "candidate",
         "marked")  # fmt: skip


def _whole(content: Any) -> bool:
    return content.keys() == KEYS and all(set(point) == set(POINT) for point in content["points"])


FILE = JsonFile(STAGE, "the effect of every layer", _whole)
save, load = FILE.save, FILE.load
