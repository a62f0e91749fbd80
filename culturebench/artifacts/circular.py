"""Where a measure is asked of a model's own text encoder: model -> measure -> one sentence."""

from __future__ import annotations

from typing import Any

from culturebench.artifacts._json import JsonFile

STAGE = "bind_measures"
PATH = "models/circular.json"


def _whole(content: Any) -> bool:
    return all(isinstance(found, dict) for found in content.values())


FILE = JsonFile(STAGE, "warnings by model", _whole)
save, load = FILE.save, FILE.load
