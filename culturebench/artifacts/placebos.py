"""The placebo modifiers of a region's file, in its language: what cultural attention is compared with."""

from __future__ import annotations

from typing import Any, cast

from culturebench.artifacts._json import JsonFile

STAGE = "caption"
DIRECTORY = "data/placebos"
PATH = DIRECTORY + "/{region}.json"


def _texts(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(text, str) for text in cast(list[Any], content))


FILE: JsonFile[list[str]] = JsonFile(STAGE, "a list of texts", _texts)
save, load = FILE.save, FILE.load
