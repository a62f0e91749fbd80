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
    objects, null where none is known; `allowed` says whether that is high enough; `size` is the edit's, as in `sizes`.
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
    size: float | None


class Tuned(TypedDict):
    """One edit's chosen lambda; `found` is false where no edit is better than none."""

    strength: float
    found: bool
    curve: list[Point]


class Dose(TypedDict):
    """CultureVQA under one control at one lambda, and the edit's size there, as in `sizes`."""

    condition: str
    strength: float
    size: float | None
    accuracy: float
    low: float | None
    high: float | None
    n_prompts: int
    n_images: int


class Pool(TypedDict):
    """How many latents the control `matched` draws from; `own_only` where those of other regions had to stay in."""

    region: str
    sae_seed: int
    latents: int
    own_only: bool


POINT = tuple(Point.__annotations__)


def _whole(content: Any) -> bool:
    if set(content) == {"closed"}:
        return True
    curves = [one for one in map(as_object, content.values()) if "curve" in one]
    return bool(curves) and all(
        isinstance(one["strength"], int | float) and all(set(point) == set(POINT) for point in one["curve"])
        for one in curves
    )


#: `closed`, why, for a model that cannot be edited. Else by the name of a tuned edit what is `Tuned`, beside `judge`,
#: `rule`, `seeds`, `prompts`, `sizes`, `pools`, `undrawn` and `dose`. `sizes` maps each condition that edits neurons to
#: the mean norm of what it adds to a token, as a share of the token's own; null where nothing can be drawn. `undrawn`
#: maps a control to the regions that it leaves out, with the reason. `dose` maps an edit to the `Dose` points of its
#: controls.
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
