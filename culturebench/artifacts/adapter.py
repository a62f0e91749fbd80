"""A trained adapter of one model, with the history of its training."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from culturebench.artifacts._json import load_json, save_json

STAGE = "train_adapter"
DIRECTORY = "models/adapter"
PATH = DIRECTORY + "/{model}/{adapter}"
HISTORY = "history.json"


class Entry(TypedDict):
    """One point of a training, on pictures and noise that never change; None for what the adapter has not.

    `loss` is the denoiser's own on the region's pictures, `kept` the distance to the frozen model's prediction on
    others'; `cultural` is L_cultural, `spread` how far its features differ between pictures, `share` the norm of its
    weighted gradient, as a share of the sum of both losses' norms, at the LoRA; `gate` the mean gate.
    """

    step: int
    loss: float
    kept: float | None
    cultural: float | None
    spread: float | None
    share: float | None
    gate: float | None


class History(TypedDict):
    """What was trained on how many pairs, and how it went; `made_on`: the kind of processor.

    `bound` is the lowest L_cultural that any unit vector has; `distilled` the cosine of the frozen projection to the
    picture tower, on pictures that it was not trained on.
    """

    made_on: str
    kind: str
    region: str
    caption: str
    pairs: int
    kept: int
    parameters: int
    concepts: list[str]
    bound: float | None
    distilled: float | None
    entries: list[Entry]


def save_history(folder: Path, history: History) -> None:
    """Write the history beside the weights."""
    save_json(folder / HISTORY, history)


def load_history(folder: Path) -> History:
    """The history; `ArtifactError` when it is missing or damaged."""
    return load_json(folder / HISTORY, STAGE)
