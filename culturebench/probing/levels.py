"""How active a region's latents are on the cultural prompts of each of its subdivisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from culturebench.probing.selection import Floats, Selection

if TYPE_CHECKING:
    from culturebench.artifacts.levels import LevelRow


def part_means(latents: Floats, parts: Mapping[str, Sequence[int]]) -> dict[str, Floats]:
    """The mean of pooled latents (prompts, latents) over each part's prompts, silent ones included; without NaN."""
    found: dict[str, Floats] = {}
    for name, rows in parts.items():
        some = latents[list(rows)]
        some = some[np.isfinite(some).all(axis=1)]
        if len(some):
            found[name] = some.mean(axis=0)
    return found


def level_rows(
    seed: int, region: str, means: Mapping[str, Floats], found: Selection, language: float | None
) -> list[LevelRow]:
    """Rows of the artifact `levels`: of the culture neurons, and of the latents of the region's language.

    The latter fire on more than `language` of its noun prompts; None leaves them out.
    """
    chosen = found.selected if language is None else found.selected | (found.noun.frequency > language)
    return [
        {"sae_seed": seed, "region": region, "subdivision": name, "latent": int(latent), "level": float(mean[latent])}
        for name, mean in means.items()
        for latent in np.flatnonzero(chosen)
    ]
