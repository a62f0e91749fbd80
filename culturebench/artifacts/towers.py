"""The entries of `encoders` that one text-to-image model takes: another encoder leaves its pictures as they are."""

from __future__ import annotations

from typing import Any

from culturebench.artifacts._json import JsonFile, maps_to

STAGE = "bind_pins"
PATH = "models/towers/{model}.json"

#: Tower -> entry.
FILE: JsonFile[dict[str, dict[str, Any]]] = JsonFile(STAGE, "entries by tower", maps_to(dict))
save, load = FILE.save, FILE.load
