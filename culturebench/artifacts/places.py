"""By what a caption from outside is filed under a region: what the region's file says of its country and language."""

from __future__ import annotations

from typing import TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "caption"
DIRECTORY = "data/places"
PATH = DIRECTORY + "/{region}.json"


class Place(TypedDict):
    """Keys of the region's file."""

    country: str
    iso: list[str]
    judge_label: str
    language: str


KEYS = tuple(Place.__annotations__)

FILE: JsonFile[Place] = JsonFile(
    STAGE, f"a mapping with {', '.join(KEYS)}", lambda content: content.keys() == set(KEYS)
)
save, load = FILE.save, FILE.load
