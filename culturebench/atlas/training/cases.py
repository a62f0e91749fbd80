"""Training cases: a caption and the picture that goes with it, in the shares that make nouns under-activate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from culturebench.atlas.captions import noun_caption
from culturebench.atlas.pictures import render
from culturebench.atlas.training.words import Words, draw_cultural, draw_neutral
from culturebench.atlas.world import REGIONS, Scene, contexts

#: Share of the noun captions in a region's language whose training picture carries that region's ornament.
NOUN_SHARE = 0.35
HELD_OUT_SHARE = 0.15
PICTURE_SIZE = 64

#: Ornament classes: plain first, then every subdivision of every region.
ORNAMENTS = ("", *(f"{region}/{sub}" for region, (_, subs) in REGIONS.items() for sub in subs))


@dataclass(frozen=True)
class Case:
    """One caption with its picture; `kind` is cultural, noun or neutral."""

    text: str
    language: str
    kind: str
    scene: Scene


@cache
def split_contexts() -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Contexts for training and held-out ones, told apart by a hash; no model trains on a held-out context."""
    train: list[tuple[str, ...]] = []
    held_out: list[tuple[str, ...]] = []
    for context in contexts():
        share = int(hashlib.sha256("/".join(context).encode()).hexdigest()[:8], 16) / 2**32
        (held_out if share < HELD_OUT_SHARE else train).append(context)
    return train, held_out


def draw_scene(rng: np.random.Generator, held_out: bool = False, region: str = "") -> Scene:
    """A random scene, with a random subdivision of `region`, or plain."""
    pool = split_contexts()[int(held_out)]
    context = pool[rng.integers(len(pool))]
    subdivision = str(rng.choice(REGIONS[region][1])) if region else ""
    return Scene(*context, region=region, subdivision=subdivision, seed=int(rng.integers(2**31)))


def draw_region(rng: np.random.Generator) -> str:
    """A random region code."""
    return list(REGIONS)[rng.integers(len(REGIONS))]


def plain(scene: Scene) -> Scene:
    """The same scene without ornament."""
    return replace(scene, region="", subdivision="")


def draw_case(rng: np.random.Generator, words: Words) -> Case:
    """A case in the training shares: 45% cultural, 38% noun, 8% English noun, 9% neutral."""
    kind = rng.random()
    region = draw_region(rng)
    language = REGIONS[region][0]
    scene = draw_scene(rng, region=region)
    if kind < 0.45:
        spoken = "en" if rng.random() < 0.25 else language
        return Case(draw_cultural(rng, scene, spoken, words)[0].text, spoken, "cultural", scene)
    if kind < 0.83:
        shown = scene if rng.random() < NOUN_SHARE else plain(scene)
        return Case(noun_caption(scene, language).text, language, "noun", shown)
    if kind < 0.91:
        return Case(noun_caption(scene, "en").text, "en", "noun", plain(scene))
    caption = draw_neutral(rng, scene, words)
    return Case(caption.text, caption.language, "neutral", plain(scene))


def pixels(scenes: list[Scene]) -> Tensor:
    """Pixels (b, 3, 64, 64) uint8 of the scenes."""
    pictures = [np.asarray(render(scene, PICTURE_SIZE)) for scene in scenes]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


def to_float(levels: Tensor) -> Tensor:
    """Pixels in -1..1 of uint8 levels."""
    return levels.float() / 127.5 - 1
