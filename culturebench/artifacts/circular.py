"""Where a measure is asked of a model's own text encoder: model -> measure -> one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

STAGE = "bind_measures"
PATH = "models/circular.json"


def save(path: Path, warnings: Mapping[str, Mapping[str, str]]) -> None:
    """Write the sentences as JSON with sorted keys."""
    save_json(path, {model: dict(found) for model, found in warnings.items()})


def load(path: Path) -> dict[str, dict[str, str]]:
    """The sentences; `ArtifactError` when the file is missing, damaged or of another shape."""
    content = load_json(path, STAGE)
    if not isinstance(content, dict) or not all(isinstance(found, dict) for found in content.values()):
        raise ArtifactError(f"{path} holds no warnings by model; run `dvc repro -f {STAGE}`")
    return content
