"""How far each layer's attention alone takes a noun prompt to the cultural one: what cultural attention is held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

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


def save(path: Path, content: dict[str, Any]) -> None:
    """Write the check; `ArtifactError` when it has other keys."""
    save_json(path, _checked(path, content))


def load(path: Path) -> dict[str, Any]:
    """The check; `ArtifactError` when the file is missing, damaged or of another shape."""
    return _checked(path, load_json(path, STAGE))


def _checked(path: Path, content: Any) -> dict[str, Any]:
    whole = isinstance(content, dict) and content.keys() == KEYS
    if not whole or any(set(point) != set(POINT) for point in content["points"]):
        raise ArtifactError(f"{path} does not hold the effect of every layer; run `dvc repro -f {STAGE}`")
    return content
