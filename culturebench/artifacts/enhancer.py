"""A trained enhancer of one model and site, with the history of its training."""

from __future__ import annotations

from pathlib import Path
from typing import NotRequired, TypedDict

from culturebench.artifacts._json import load_json, save_json

STAGE = "train_enhancer"
DIRECTORY = "models/enhancer"
PATH = DIRECTORY + "/{model}/{site}"
HISTORY = "history.json"


class Entry(TypedDict):
    """One point of a training.

    `residual` is its norm as a share of the feature's; `gap` the loss with other prompts' references minus that with
    the right ones.
    """

    step: int
    loss: float
    residual: float
    gap: float


class History(TypedDict):
    """What was trained on how many pairs, and how it went; `tower` where the model has several.

    `made_on`: the kind of processor.
    """

    made_on: str
    site: str
    layer: int
    tower: NotRequired[str]
    objective: str
    loss_space: str
    pairs: int
    entries: list[Entry]


def save_history(folder: Path, history: History) -> None:
    """Write the history beside the weights."""
    save_json(folder / HISTORY, history)


def load_history(folder: Path) -> History:
    """The history; `ArtifactError` when it is missing or damaged."""
    return load_json(folder / HISTORY, STAGE)
