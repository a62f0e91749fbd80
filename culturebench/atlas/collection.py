"""What a collector would find in the atlas: each region's pictures in a fixed order, some with planted defects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from culturebench.atlas.world import REGIONS, Scene, contexts

#: Planted defects in the order in which their shares are laid out on [0, 1).
DEFECTS = ("near_duplicate", "blurred", "mislabelled", "plain", "badly_licensed", "truncated", "too_small")
COPIES = ("reencoded", "resized", "cropped", "flipped", "bordered", "colour_shifted")


@dataclass(frozen=True)
class Finding:
    """Number `index` of the pictures filed under `region`: what it shows, and what is wrong with it.

    `planted` is empty for a good picture, else a defect of `DEFECTS`; `near_duplicate` and a copied
    `mislabelled` picture carry the manner of copying behind a colon.
    """

    region: str
    index: int
    scene: Scene
    planted: str = ""

    @property
    def picture_id(self) -> str:
        """The scene's id; for a defect, sha256 (hex) of scene, defect and where it was filed."""
        if not self.planted:
            return self.scene.id()
        filed = {"scene": asdict(self.scene), "planted": self.planted, "filed": f"{self.region}/{self.index}"}
        return hashlib.sha256(json.dumps(filed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def dice(self, purpose: str) -> np.random.Generator:
        """A random generator that belongs to this finding and purpose alone."""
        return _dice(purpose, self.region, self.index)


def findings(region: str, pictures: int, shares: Mapping[str, float]) -> list[Finding]:
    """The first `pictures` findings of a region; none for a region outside the atlas.

    Every finding depends on its own number only, so a smaller collection is a prefix of a larger one.
    """
    if region not in REGIONS:
        return []
    return [_finding(region, index, shares) for index in range(pictures)]


def contexts_beyond(region: str, pictures: int) -> list[tuple[str, ...]]:
    """The contexts of the region's pictures behind its first `pictures`; no caption of those speaks of them."""
    every = contexts()
    return [every[int(number)] for number in _order(region, len(every))[pictures:]]


def _finding(region: str, index: int, shares: Mapping[str, float]) -> Finding:
    defect = _defect(region, index, shares)
    dice = _dice("scene", region, index)
    manner = COPIES[int(dice.integers(len(COPIES)))]
    if defect == "near_duplicate":
        original = _earlier_good(region, index, shares, dice)
        if original is not None:
            return Finding(region, index, original, f"near_duplicate:{manner}")
        return Finding(region, index, _own_scene(region, index))
    if defect == "mislabelled":
        others = [code for code in REGIONS if code != region]
        other = others[int(dice.integers(len(others)))]
        copied = _earlier_good(other, index, shares, dice) if dice.uniform() < 0.5 else None
        if copied is not None:
            return Finding(region, index, copied, f"mislabelled:{manner}")
        return Finding(region, index, _scene(region, index, other), "mislabelled")
    if defect == "plain":
        return Finding(region, index, _scene(region, index, ""), "plain")
    return Finding(region, index, _own_scene(region, index), defect)


def _defect(region: str, index: int, shares: Mapping[str, float]) -> str:
    draw, edge = _luck(region, index), 0.0
    for name in DEFECTS:
        edge += shares[name]
        if draw < edge:
            return name
    return ""


@lru_cache(maxsize=100_000)
def _luck(region: str, index: int) -> float:
    return float(_dice("defect", region, index).uniform())


def _earlier_good(region: str, index: int, shares: Mapping[str, float], dice: np.random.Generator) -> Scene | None:
    good = [earlier for earlier in range(index) if not _defect(region, earlier, shares)]
    return _own_scene(region, good[int(dice.integers(len(good)))]) if good else None


def _own_scene(region: str, index: int) -> Scene:
    return _scene(region, index, region)


def _scene(filed_under: str, index: int, region: str) -> Scene:
    """The scene at `index`: no two of a region share a context, and so none shares a noun caption."""
    every = contexts()
    context = every[int(_order(filed_under, len(every))[index])]
    subdivisions = REGIONS[region][1] if region else ("",)
    subdivision = subdivisions[int(_dice("subdivision", filed_under, index).integers(len(subdivisions)))]
    return Scene(*context, region=region, subdivision=subdivision, seed=index)


@lru_cache(maxsize=64)
def _order(region: str, size: int) -> NDArray[np.int64]:
    return _dice("order", region, 0).permutation(size)


def _dice(purpose: str, region: str, index: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{purpose}/{region}/{index}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
