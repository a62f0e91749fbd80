"""Neutral is not English: how far a noun's pictures are from those of its English rendering, and from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from culturebench.measures.statistics import Bootstrap, Estimate, Scores
from culturebench.measures.units import Units

if TYPE_CHECKING:
    from culturebench.artifacts.english import EnglishRow

ALL = "all"
#: Distance from the noun's picture to the English noun's, and to the cultural prompt's, both with the same seed; and to
#: the noun's own with other seeds, the null.
ENGLISH, CULTURAL, SEEDS = "english", "cultural", "seeds"
Key = tuple[str, int]  # (prompt id, seed)


def scores(
    noun: Tensor, keys: Sequence[Key], beside: Mapping[str, Mapping[Key, Tensor]]
) -> dict[str, dict[Key, float]]:
    """Each kind of distance (1 - cosine) of each picture of `noun` (pictures, d), unit vectors in the order of `keys`.

    `beside` has the vectors of ENGLISH, and of CULTURAL if those were drawn. A picture without the other has no score.
    """
    found: dict[str, dict[Key, float]] = {name: {} for name in (*beside, SEEDS)}
    places: dict[str, list[int]] = {}
    for i, (prompt, _) in enumerate(keys):
        places.setdefault(prompt, []).append(i)
    for i, key in enumerate(keys):
        for name, vectors in beside.items():
            if key in vectors:
                found[name][key] = 1 - float(noun[i] @ vectors[key])
    for own in places.values():
        away = (1 - noun[own] @ noun[own].T).tolist()
        for i, row in zip(own, away, strict=True):
            seeds = [value for j, value in zip(own, row, strict=True) if keys[j][1] != keys[i][1]]
            if seeds:
                found[SEEDS][keys[i]] = sum(seeds) / len(seeds)
    return found


def rows(found: Mapping[str, Scores], regions: Mapping[str, str], bootstrap: Bootstrap) -> list[EnglishRow]:
    """Each distance, and ENGLISH minus each other one, of every region and of all, with intervals by prompt."""
    units = Units("prompt", regions)
    result: list[EnglishRow] = []
    for name, own in found.items():
        if not own:
            continue
        result += _rows(name, "", bootstrap.mean(own, units), bootstrap.means_by_region(own, units))
        beyond = bootstrap.difference(found[ENGLISH], own, units) if name != ENGLISH else None
        if beyond:
            result += _rows(ENGLISH, name, beyond, bootstrap.differences_by_region(found[ENGLISH], own, units))
    return result


def _rows(distance: str, against: str, every: Estimate, each: Mapping[str, Estimate]) -> list[EnglishRow]:
    return [
        {
            "region": region, "distance": distance, "against": against, "value": one.value, "low": one.low,
            "high": one.high, "n_prompts": one.n_prompts, "n_images": one.n_images,
        }
        for region, one in {ALL: every, **each}.items()
    ]  # fmt: skip
