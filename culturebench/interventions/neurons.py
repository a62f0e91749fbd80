"""The neurons that an intervention acts on: a region's own, or random ones that fire as often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from culturebench.artifacts.neurons import NeuronRow as Row

NEAREST = 8  # a draw picks among that many latents of the nearest frequency


class NeuronsError(CultureBenchError):
    """A region without neurons, or too few latents to draw from."""


@dataclass(frozen=True)
class Neurons:
    """Latents, ascending; each one's mean activation on the region's cultural prompts, and on what share it fires."""

    indices: list[int]
    levels: list[float]
    frequencies: list[float]


def culture_neurons(table: Sequence[Row], region: str, sae_seed: int) -> Neurons:
    """M_cult of `region` in the autoencoder of `sae_seed`; `table` holds rows of the artifact `neurons`.

    `NeuronsError` when the region has none there.
    """
    rows = _rows(table, region, sae_seed)
    chosen = [row for row in rows if row["selected"]]
    if not chosen:
        raise NeuronsError(
            f"region {region!r} has no culture neurons in the autoencoder of seed {sae_seed}; "
            "widen `select_neurons.max_k` or look at its detect captions"
        )
    return _neurons(chosen)


def random_neurons(table: Sequence[Row], region: str, sae_seed: int, seed: int) -> Neurons:
    """As many latents as `region` has culture neurons, of no region's M_cult, that fire about as often.

    For each culture neuron, one of the `NEAREST` unused latents by frequency on the region's cultural prompts
    is drawn. The same `seed` gives the same draw. `NeuronsError` when there are not enough latents.
    """
    wanted = culture_neurons(table, region, sae_seed).indices
    taken = {row["latent"] for row in table if row["sae_seed"] == sae_seed and row["selected"]}
    rows = {row["latent"]: row for row in _rows(table, region, sae_seed)}
    free = {latent: row["frequency"] for latent, row in rows.items() if latent not in taken}
    if len(free) < len(wanted):
        raise NeuronsError(f"region {region!r} needs {len(wanted)} random latents, only {len(free)} are in no M_cult")
    rng = np.random.default_rng([seed, sae_seed])
    drawn: list[int] = []
    for latent in wanted:
        frequency = rows[latent]["frequency"]
        nearest = sorted(free, key=lambda other: (abs(free[other] - frequency), other))[:NEAREST]
        drawn.append(nearest[int(rng.integers(len(nearest)))])
        del free[drawn[-1]]
    return _neurons([rows[latent] for latent in sorted(drawn)])


def _neurons(rows: Sequence[Row]) -> Neurons:
    return Neurons([row["latent"] for row in rows], [row["mean"] for row in rows], [row["frequency"] for row in rows])


def _rows(table: Sequence[Row], region: str, sae_seed: int) -> list[Row]:
    found = [row for row in table if row["region"] == region and row["sae_seed"] == sae_seed]
    if not found:
        regions = sorted({row["region"] for row in table})
        seeds = sorted({row["sae_seed"] for row in table})
        raise NeuronsError(
            f"no scores of region {region!r} and SAE seed {sae_seed}, only of {', '.join(regions)} and {seeds}; "
            "run `dvc repro select_neurons`"
        )
    return sorted(found, key=lambda row: row["latent"])
