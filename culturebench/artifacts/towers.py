"""The entries of `encoders` that one text-to-image model takes: another encoder leaves its pictures as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

STAGE = "bind_pins"
PATH = "models/towers/{model}.json"


def save(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Write tower -> entry as JSON with sorted keys."""
    save_json(path, entries)


def load(path: Path) -> dict[str, dict[str, Any]]:
    """Tower -> entry; `ArtifactError` when the file is missing, damaged or of another shape."""
    content = load_json(path, STAGE)
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise ArtifactError(f"{path} holds no entries by tower; run `dvc repro -f {STAGE}`")
    return content
