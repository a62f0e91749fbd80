"""Which part of a region's culture an edit aims at, and what was measured of it.

A prompt's own subdivision is never asked for: an edit would be told what its picture is judged by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from culturebench.interventions.neurons import Neurons, NeuronsError

if TYPE_CHECKING:
    from culturebench.artifacts.directions import DirectionRow
    from culturebench.artifacts.levels import LevelRow
    from culturebench.conditions.record import Caption


def drawn(subdivisions: Collection[str], region: str, draw: int) -> str:
    """The subdivision of one draw: every one comes once before any comes again, in an order by region and round."""
    names = sorted(subdivisions)
    number = int.from_bytes(hashlib.sha256(region.encode()).digest()[:4], "big")
    order = np.random.default_rng([number, draw // len(names)]).permutation(len(names))
    return names[int(order[draw % len(names)])]


def direction_of(rows: Sequence[DirectionRow], region: str, caption: Caption, draw: int) -> DirectionRow:
    """The mean difference of cultural prompts from those of `caption`, of the region's subdivision of that draw.

    `NeuronsError` where none was measured.
    """
    found = {r["subdivision"]: r for r in rows if (r["region"], r["caption"]) == (region, caption)}
    if not found:
        raise NeuronsError(
            f"no mean difference of cultural prompts of region {region!r} from those of its captions {caption!r}; "
            "run `dvc repro select_neurons`, and see that its detect rows have that caption"
        )
    return found[drawn(found, region, draw)]


def activation_of(rows: Sequence[LevelRow], region: str, sae_seed: int, draw: int) -> Neurons:
    """The latents that switch a region on, with their levels on the subdivision of that draw.

    `NeuronsError` where none was measured.
    """
    own = [row for row in rows if (row["region"], row["sae_seed"]) == (region, sae_seed)]
    if not own:
        raise NeuronsError(
            f"no levels of region {region!r} in the autoencoder of seed {sae_seed}; run `dvc repro select_neurons`"
        )
    name = drawn({row["subdivision"] for row in own}, region, draw)
    chosen = sorted((row["latent"], row["level"]) for row in own if row["subdivision"] == name)
    return Neurons([latent for latent, _ in chosen], [level for _, level in chosen])
