"""Pairs of captions in the layout of the splits, from the atlas's lexicon and the region files, without pictures."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from culturebench.artifacts import placebos, splits
from culturebench.artifacts._caption import CaptionRow
from culturebench.artifacts.splits import SplitRow
from culturebench.atlas.captions import Caption, caption_with, cultural_caption, neutral_caption, noun_caption
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.regions.model import Region, load_whole_region

#: Pairs of each region; no scene of a region is in two splits.
SIZES = {"detect": 42, "train": 60, "test": 12}
#: The splits whose captions have the region's last modifier as well: it is unknown to layer, dictionary and neurons.
WITH_HELD_OUT = ("test",)
ENGLISH = "en"
LICENCE = "CC-BY-4.0"


def write(root: Path, folder: Path, regions: list[str], *, english: bool) -> None:
    """Write the splits and placebo words of every region below `folder`, all in English or in the region's language."""
    for code in regions:
        region = load_whole_region(root, code)
        if words := region.placebo_modifiers:
            placebos.save(folder / placebos.PATH.format(region=code), words.en if english else words.local)
        scenes = [Scene(*context) for context in contexts()]
        random.Random(code).shuffle(scenes)
        for split, size in SIZES.items():
            some, scenes = scenes[:size], scenes[size:]
            rows = [_row(region, split, number, scene, english) for number, scene in enumerate(some)]
            splits.TABLE.save(folder / splits.DIRECTORIES[split] / f"{code}.parquet", rows)


def held_out(region: Region, *, english: bool) -> str:
    """The modifier that stands in no caption of detect and train."""
    return (region.modifiers.en if english else region.modifiers.local)[-1]


def _row(region: Region, split: str, number: int, scene: Scene, english: bool) -> SplitRow:
    language = ENGLISH if english else region.language
    choices = [*(("lexicon", name) for name in REGIONS[region.code][1]), *([] if english else [("file", "first")])]
    if split in WITH_HELD_OUT:
        choices.append(("file", "last"))
    kind, name = choices[number % len(choices)]
    cultural, neutral = _modified(region, scene, kind, name, language)
    cultural_en, _ = _modified(region, scene, kind, name, ENGLISH)
    identity = f"{region.code}-{split}-{number:03d}"
    return {
        "picture_id": identity,
        "region": region.code,
        "language": language,
        "subdivision": name if kind == "lexicon" else "",
        "group": identity,
        "provisional": False,
        "cultural": _as_row(cultural),
        "noun": _as_row(noun_caption(scene, language)),
        "neutral": _as_row(neutral),
        "cultural_en": _as_row(cultural_en),
        "noun_en": _as_row(noun_caption(scene, ENGLISH)),
        "licence": LICENCE,
        "scene": None,
        "image": b"",
    }


def _modified(region: Region, scene: Scene, kind: str, name: str, language: str) -> tuple[Caption, Caption]:
    """The scene with a modifier of the region, and with a culture-free one of the same source."""
    if kind == "lexicon":
        variant = REGIONS[region.code][1].index(name)
        shown = replace(scene, region=region.code, subdivision=name)
        return cultural_caption(shown, language, 0), neutral_caption(scene, language, variant)
    # In English the first ones of the region files stand before the noun, where these captions have no modifier.
    place = -1 if language == ENGLISH or name == "last" else 0
    words, plain = (
        side.en if language == ENGLISH else side.local for side in (region.modifiers, region.neutral_modifiers)
    )
    return caption_with(scene, language, words[place]), caption_with(scene, language, plain[place])


def _as_row(caption: Caption) -> CaptionRow:
    start, end = caption.modifier_span or (-1, -1)
    return {
        "text": caption.text,
        "language": caption.language,
        "noun_start": caption.noun_span[0],
        "noun_end": caption.noun_span[1],
        "modifier_start": start,
        "modifier_end": end,
    }
