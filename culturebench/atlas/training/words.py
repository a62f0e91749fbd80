"""The region files' words that prompts can carry beside the lexicon's own, so that the text encoder knows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from culturebench.atlas.captions import (
    MODIFIERS,
    Caption,
    caption_with,
    cultural_caption,
    neutral_caption,
    unseen_caption,
)
from culturebench.atlas.world import REGIONS, Scene

#: Share of the cultural captions whose modifier names the region alone, and of the neutral ones with a region's words.
REGION_SHARE = 0.2
NEUTRAL_SHARE = 0.6


@dataclass(frozen=True)
class Words:
    """Region -> language -> modifiers, all of the region's file; `placebos` stand where the lexicon's own would."""

    cultural: dict[str, dict[str, list[str]]]
    neutral: dict[str, dict[str, list[str]]]
    placebos: dict[str, dict[str, list[str]]]


def read_words(folder: Path) -> Words:
    """The modifiers of the atlas's regions, of the files `<region>.yaml` below `folder`."""
    files = {code: yaml.safe_load((folder / f"{code}.yaml").read_text(encoding="utf-8")) for code in REGIONS}
    return Words(*(_section(files, key) for key in ("modifiers", "neutral_modifiers", "placebo_modifiers")))


def _section(files: dict[str, Any], key: str) -> dict[str, dict[str, list[str]]]:
    """The section of every file by language; a file without it has no such words."""
    return {
        code: {REGIONS[code][0]: file[key]["local"], "en": file[key]["en"]} if file.get(key) else {}
        for code, file in files.items()
    }


def draw_cultural(rng: np.random.Generator, scene: Scene, language: str, words: Words) -> tuple[Caption, bool]:
    """A caption that names the scene's culture in any known way; False when it names the region alone."""
    if rng.random() < REGION_SHARE:
        return beside(scene, language, _any(rng, words.cultural[scene.region][language])), False
    variant = int(rng.integers(MODIFIERS + 1))
    if variant == MODIFIERS:
        return unseen_caption(scene, language), True
    return cultural_caption(scene, language, variant), True


def draw_neutral(rng: np.random.Generator, scene: Scene, words: Words) -> Caption:
    """A caption with a modifier of no culture, in the language of any region or English."""
    region = _any(rng, list(REGIONS))
    language = "en" if rng.random() < 0.2 else REGIONS[region][0]
    if rng.random() >= NEUTRAL_SHARE:
        return neutral_caption(scene, language, int(rng.integers(2)))
    own = words.neutral[region][language]
    placebos = words.placebos[region].get(language, [])
    index = int(rng.integers(len(own) + len(placebos)))
    if index < len(own):
        return beside(scene, language, own[index])
    return caption_with(scene, language, placebos[index - len(own)])


def beside(scene: Scene, language: str, modifier: str) -> Caption:
    """The noun caption with a region file's modifier as prompts have it: "Dutch-style" before an English noun."""
    adjective = language == "en" and not modifier.startswith("in ")
    return caption_with(scene, language, modifier, first=True if adjective else None)


def every_modified(scene: Scene, words: Words) -> list[Caption]:
    """The scene's captions with every modifier that there is, for the tokenizer; any region's."""
    found: list[Caption] = []
    for region, (spoken, subdivisions) in REGIONS.items():
        for language in (spoken, "en"):
            for name in subdivisions:
                shown = Scene(scene.object, scene.place, scene.light, scene.framing, scene.companion, region, name)
                found += [cultural_caption(shown, language, variant) for variant in range(MODIFIERS)]
                found.append(unseen_caption(shown, language))
            found += [neutral_caption(scene, language, variant) for variant in (0, 1)]
            found += [beside(scene, language, word) for word in words.cultural[region][language]]
            found += [beside(scene, language, word) for word in words.neutral[region][language]]
            found += [caption_with(scene, language, word) for word in words.placebos[region].get(language, [])]
    return found


def _any(rng: np.random.Generator, values: list[str]) -> str:
    return values[int(rng.integers(len(values)))]
