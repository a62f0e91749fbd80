"""A trained enhancer of one model and site, with the history of its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json

STAGE = "train_enhancer"
DIRECTORY = "models/enhancer"
PATH = DIRECTORY + "/{model}/{site}"
HISTORY = "history.json"


def save_history(folder: Path, history: dict[str, Any]) -> None:
    """Write `{"site", "layer", "objective", "entries": [{step, loss, residual, gap}], ...}`.

    `residual` is its norm as a share of the feature's; `gap` is the loss with other prompts' references minus the loss
    with the right ones.
    """
    save_json(folder / HISTORY, history)


def load_history(folder: Path) -> dict[str, Any]:
    """The history; `ArtifactError` when it is missing or damaged."""
    return load_json(folder / HISTORY, STAGE)
