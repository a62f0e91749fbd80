"""Studies whose truth is planted: prompts, people and what a condition does to a prompt all spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from culturebench.measures.statistics import Floats
from culturebench.measures.two_way import Said

#: Of a rating's own noise, in stars.
_NOISE = 0.8
_STARS = (1, 5)


@dataclass(frozen=True)
class Planted:
    """How answers come about: logits of a share, or stars of a rating around 3.

    `base` is the noun prompt's mean and `gain` what the condition adds; the others are standard deviations: over
    prompts, over people, and of what a condition does to a prompt.
    """

    kind: Literal["share", "rating"]
    base: float
    gain: float
    prompt: float
    person: float
    both: float


@dataclass(frozen=True)
class Design:
    """Who sees how much: `items` prompts of all, each under one of the conditions, or under all of them at once."""

    prompts: int
    people: int
    items: int
    conditions: int
    at_once: bool = False


def draw(planted: Planted, rng: np.random.Generator, design: Design) -> tuple[list[Said], list[Said]]:
    """The answers to the noun's and to the condition's pictures in one study, each 0 to 1."""
    spread = rng.normal(0, planted.prompt, design.prompts)
    both = rng.normal(0, planted.both, (design.prompts, 2))
    found: tuple[list[Said], list[Said]] = ([], [])
    groups = max(design.prompts // design.items, 1)
    for person in range(design.people):
        group, shift = divmod(person % (groups * design.conditions), design.conditions)
        own = rng.normal(0, planted.person)
        places = np.arange(design.items)
        for side in (0, 1):
            here = places if design.at_once else places[(places + shift) % design.conditions == side]
            prompts = here + group * design.items
            values = _answers(planted, rng, spread[prompts] + both[prompts, side] + own + side * planted.gain)
            found[side].extend((f"{p:05d}", f"{person:05d}", v) for p, v in zip(prompts, values.tolist(), strict=True))
    return found


def truth_of(planted: Planted) -> float:
    """The difference of the condition and the noun over all prompts and people there could be."""
    return _mean(planted, planted.gain) - _mean(planted, 0.0)


def _answers(planted: Planted, rng: np.random.Generator, level: Floats) -> Floats:
    if planted.kind == "share":
        return (rng.random(len(level)) < _logistic(planted.base + level)).astype(np.float64)
    stars = np.round(np.mean(_STARS) + planted.base + level + rng.normal(0, _NOISE, len(level)))
    low, high = _STARS
    return (np.clip(stars, low, high) - low) / (high - low)


def _mean(planted: Planted, gain: float) -> float:
    """Over the normal spread, by a fine grid of its quantiles' density."""
    grid: Floats = np.linspace(-9, 9, 20001).astype(np.float64)
    density = np.exp(-(grid**2) / 2)
    density /= density.sum()
    spread = float(np.sqrt(planted.prompt**2 + planted.person**2 + planted.both**2))
    if planted.kind == "share":
        return float(density @ _logistic(planted.base + gain + spread * grid))
    stars = np.round(np.mean(_STARS) + planted.base + gain + np.hypot(spread, _NOISE) * grid)
    low, high = _STARS
    return float(density @ (np.clip(stars, low, high) - low) / (high - low))


def _logistic(value: Floats) -> Floats:
    return 1 / (1 + np.exp(-value))
