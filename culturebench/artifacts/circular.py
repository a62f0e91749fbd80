"""Where a measure is asked of a model's own text encoder: model -> measure -> one sentence."""

from __future__ import annotations

from culturebench.artifacts._json import JsonFile, maps_to

STAGE = "bind_measures"
PATH = "models/circular.json"

FILE: JsonFile[dict[str, dict[str, str]]] = JsonFile(STAGE, "warnings by model", maps_to(dict))
save, load = FILE.save, FILE.load
