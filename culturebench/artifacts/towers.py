"""The entries of `encoders` that one text-to-image model takes: another encoder leaves its pictures as they are."""

from __future__ import annotations

from typing import Any

from culturebench.artifacts._json import JsonFile

STAGE = "bind_pins"
PATH = "models/towers/{model}.json"


def _whole(content: Any) -> bool:
    return all(isinstance(entry, dict) for entry in content.values())


#: Tower -> entry.
FILE = JsonFile(STAGE, "entries by tower", _whole)
save, load = FILE.save, FILE.load
