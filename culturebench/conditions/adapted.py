"""The sets of prompts that an adapter's pictures are made from: its own, and those that it should leave alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from culturebench.conditions.record import ConditionError


@dataclass(frozen=True)
class PromptSet:
    """One set: a caption of test pictures, of the adapter's own region or of the others."""

    name: str
    label: str
    explained: str
    caption: Literal["noun", "noun_en", "cultural", "cultural_en"]
    own: bool  # of the adapter's region; else what it does there is interference
    edited: str = ""  # the condition whose edit of the encoder acts too, with and without the adapter


SETS: Final = (
    PromptSet("own_noun", "Own nouns", "the region's nouns, in its language", "noun", True),
    PromptSet("joint", "Own nouns, amplified", "the same, its culture neurons scaled up", "noun", True, "amplified"),
    PromptSet("own_cultural", "Own explicit", "the region's cultural captions, in its language", "cultural", True),
    PromptSet("english_noun", "English nouns", "the same nouns in English, which name no region", "noun_en", True),
    PromptSet("english_cultural", "English explicit", "the region's cultural captions in English", "cultural_en", True),
    PromptSet("others_noun", "Others' nouns", "other regions' nouns, in their languages", "noun", False),
    PromptSet("others_cultural", "Others' cultural", "other regions' cultural captions", "cultural", False),
)
BY_NAME: Final = {one.name: one for one in SETS}
#: K-StyleLoRA's explicit and generic prompts, and all pictures of both.
EXPLICIT, GENERIC, BOTH = "english_cultural", "english_noun", "english_both"


def prompt_set(name: str) -> PromptSet:
    """The record of a set; `ConditionError` lists those there are."""
    if name not in BY_NAME:
        raise ConditionError(f"{name!r} is no set of prompts for adapters; there are: {', '.join(BY_NAME)}")
    return BY_NAME[name]


def label_of(name: str) -> str:
    """How the report calls a set, or both English ones together."""
    return "English, both" if name == BOTH else prompt_set(name).label
