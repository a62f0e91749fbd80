"""Which latents of an SAE are a region's culture neurons: the weighted frequency score (WFS) and its elbow.

Other rules stand beside it in `selectors`, all behind one interface.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from culturebench.errors import CultureBenchError
from culturebench.extras import needed

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SENSITIVITY = 1.0  # Kneedle's S; its authors' value for a curve that is known as a whole


class SelectionError(CultureBenchError):
    """Prompts from which no neurons can be selected."""


@dataclass(frozen=True)
class Settings:
    """What counts as firing, and how many latents may be candidates."""

    threshold: float  # a latent fires above it
    beta: float  # keeps the mean of a silent latent finite
    min_k: int  # bounds of K
    max_k: int
    drop_first: bool = False  # drop the noun side's top K before the elbow is looked for, not after


class Fires(Protocol):
    """How latents or neurons fire on one region's prompts, each (latents,)."""

    @property
    def frequency(self) -> Floats:
        """The share of samples on which each fires."""
        ...

    @property
    def score(self) -> Floats:
        """The mean activation over all samples."""
        ...


@dataclass(frozen=True)
class Firing:
    """Of each latent (latents,): the share of samples on which it fires, and its mean where it does."""

    frequency: Floats
    mean: Floats

    @property
    def score(self) -> Floats:
        """The weighted frequency score, frequency times mean."""
        return self.frequency * self.mean


@dataclass(frozen=True)
class Selection:
    """A selector's verdict on every latent (latents,)."""

    cultural: Firing
    noun: Firing
    score: Floats
    score_noun: Floats
    rank: NDArray[np.int64]  # 0 is the best score
    candidate: Bools
    selected: Bools
    elbow: int | None = None  # the K of the cultural side's elbow alone, before the bounds; None without one


def firing(latents: Floats, settings: Settings) -> Firing:
    """Frequency and mean activation of latents (samples, latents)."""
    fires = latents > settings.threshold
    total = np.where(fires, latents, 0.0).sum(axis=0)
    return Firing(fires.mean(axis=0), total / (fires.sum(axis=0) + settings.beta))


def by_weighted_frequency(cultural: Floats, noun: Floats, settings: Settings) -> Selection:
    """The cultural side's top K by WFS, without those that are in the noun side's own top K.

    The noun side's K is its own elbow, and no smaller than the cultural side's: just behind an elbow, chance
    decides the order. `drop_first` is for encoders whose noun prompts share strong latents with the cultural
    ones (their language's, say), behind which the curve would end before any latent of culture; K is then
    found on what is left, and the noun side's K is its elbow alone.
    """
    on_cultural, on_noun = firing(cultural, settings), firing(noun, settings)
    noun_k = bounded_k(on_noun.score, replace(settings, min_k=1))
    if settings.drop_first:
        shared = top(on_noun.score, noun_k)
        curve = np.where(shared, 0.0, on_cultural.score)
        candidate = top(curve, bounded_k(curve, settings))
    else:
        curve = on_cultural.score
        k = bounded_k(curve, settings)
        shared = top(on_noun.score, max(k, noun_k))
        candidate = top(curve, k)
    return Selection(
        on_cultural,
        on_noun,
        on_cultural.score,
        on_noun.score,
        ranks(on_cultural.score),
        candidate,
        candidate & ~shared,
        elbow(curve),
    )


def top(score: Floats, count: int) -> Bools:
    """Which scores are among the `count` largest and above 0."""
    return (ranks(score) < count) & (score > 0)


def ranks(score: Floats) -> NDArray[np.int64]:
    """The place of each score, 0 for the largest; equal scores keep their order."""
    order = np.argsort(-score, kind="stable")
    places = np.empty(len(score), dtype=np.int64)
    places[order] = np.arange(len(score))
    return places


def bounded_k(score: Floats, settings: Settings) -> int:
    """How many scores are candidates: those before the elbow, all above 0 without one, within the settings' bounds."""
    found = elbow(score)
    return min(max(int((score > 0).sum()) if found is None else found, settings.min_k), settings.max_k)


def elbow(score: Floats) -> int | None:
    """How many scores stand before the elbow of the ranked curve; None when it has none.

    Kneedle as published (Satopää et al. 2011, by the package kneed): the first point at which a falling convex curve
    stops coming closer to its chord, with both axes scaled to 0..1. Scores of 0 are no part of the curve, since their
    number only says how large the SAE is.
    """
    with needed("pipeline"):
        from kneed import KneeLocator

    curve = np.sort(score[score > 0])[::-1]
    if len(curve) < 3 or curve[0] == curve[-1]:
        return None
    # The first point is on the chord and no elbow; kneed takes it for one where the curve starts with a plateau, and
    # would look no further unless all elbows are asked for.
    options: dict[str, Any] = {"S": SENSITIVITY, "curve": "convex", "direction": "decreasing", "online": True}
    found: Any = KneeLocator(np.arange(len(curve)), curve, **options).all_knees
    return min((int(knee) for knee in found if knee > 0), default=None)
