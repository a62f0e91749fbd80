"""What prompts need of a region's file: its country and language, and the modifiers that name its culture."""

from __future__ import annotations

from typing import TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "caption"
DIRECTORY = "data/places"
PATH = DIRECTORY + "/{region}.json"


class Modifiers(TypedDict):
    """What is put beside a noun to name the region's culture, in its language and in English."""

    local: list[str]
    en: list[str]


class Place(TypedDict):
    """Keys of the region's file."""

    country: str
    iso: list[str]
    judge_label: str
    language: str
    modifiers: Modifiers


KEYS = tuple(Place.__annotations__)

FILE: JsonFile[Place] = JsonFile(
    STAGE, f"a mapping with {', '.join(KEYS)}", lambda content: content.keys() == set(KEYS)
)
save, load = FILE.save, FILE.load
