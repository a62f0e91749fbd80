"""How strongly each edit acts: the chosen lambda, the curve it was chosen from, and the rule in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from culturebench.artifacts._json import JsonFile, as_object
from culturebench.artifacts._table import ArtifactError

STAGE = "tune_strength"
DIRECTORY = "models/strength"
PATH = DIRECTORY + "/{model}.json"


class Point(TypedDict):
    """One lambda.

    `accuracy` is CultureVQA by the tuning judge, with its interval and standard error; `alignment` the share of right
    objects, null where none is known; `allowed` says whether that is high enough.
    """

    strength: float
    accuracy: float
    low: float | None
    high: float | None
    error: float
    alignment: float | None
    allowed: bool
    n_prompts: int
    n_images: int


class Tuned(TypedDict):
    """One edit's chosen lambda; `found` is false where no edit is better than none."""

    strength: float
    found: bool
    curve: list[Point]


POINT = tuple(Point.__annotations__)


def _whole(content: Any) -> bool:
    curves = [one for one in map(as_object, content.values()) if "curve" in one]
    return bool(curves) and all(
        isinstance(one["strength"], int | float) and all(set(point) == set(POINT) for point in one["curve"])
        for one in curves
    )


#: By the name of a tuned edit what is `Tuned`, and beside them `judge`, `rule`, `mismatch`, `firing`, `seeds`,
#: `prompts`. `mismatch` maps each random control to how far it misses the norm of its edit, as a share; null at
#: strength 0. `firing` says on what share of a region's cultural prompts its `culture` neurons and its `random` ones
#: fire.
FILE: JsonFile[dict[str, Any]] = JsonFile(STAGE, "the strengths of edits", _whole)
save, load = FILE.save, FILE.load


def chosen(path: Path, edit: str) -> float:
    """The lambda that was chosen for an edit; `ArtifactError` when it has not been tuned."""
    found = load(path)
    if edit not in found:
        raise ArtifactError(f"{path} has no strength of `{edit}`; run `dvc repro -f {STAGE}`")
    return tuned(found, edit)["strength"]


def tuned(content: Mapping[str, Any], edit: str) -> Tuned:
    """What was found for an edit."""
    return content[edit]
