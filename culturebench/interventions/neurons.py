"""The scores of every latent, found by region and autoencoder, and the neurons that an intervention acts on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from culturebench.artifacts.neurons import NeuronRow as Row

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class NeuronsError(CultureBenchError):
    """A region without neurons or scores."""


@dataclass(frozen=True)
class Neurons:
    """Latents, ascending, and each one's mean activation on cultural prompts."""

    indices: list[int]
    levels: list[float]


@dataclass(frozen=True)
class Scores:
    """Of every latent (latents,) for one region: firing shares, means where it fires, and whether it is chosen."""

    frequency: Floats  # share of the region's cultural prompts
    frequency_noun: Floats  # share of its noun prompts
    mean: Floats  # on the cultural prompts where it fires
    score_noun: Floats
    candidate: Bools  # within the elbow's K
    selected: Bools  # in M_cult

    @property
    def level(self) -> Floats:
        """Means (latents,) over all of the region's cultural prompts, silent ones included."""
        return self.frequency * self.mean


class NeuronTable:
    """The rows of the artifact `neurons`, indexed once by region and seed of the autoencoder."""

    def __init__(self, rows: Sequence[Row]) -> None:
        groups: dict[tuple[str, int], list[Row]] = {}
        for row in rows:
            groups.setdefault((row["region"], row["sae_seed"]), []).append(row)
        self._scores = {key: _scores(sorted(some, key=lambda row: row["latent"])) for key, some in groups.items()}

    @cached_property
    def regions(self) -> list[str]:
        """The regions that have scores, sorted."""
        return sorted({region for region, _ in self._scores})

    def of(self, region: str, sae_seed: int) -> Scores:
        """The scores of one region; `NeuronsError` when there are none."""
        if (region, sae_seed) not in self._scores:
            seeds = sorted({seed for _, seed in self._scores})
            raise NeuronsError(
                f"no scores of region {region!r} and SAE seed {sae_seed}, only of {', '.join(self.regions)} and "
                f"{seeds}; run `dvc repro select_neurons`"
            )
        return self._scores[region, sae_seed]

    def every(self, sae_seed: int) -> Mapping[str, Scores]:
        """Region -> its scores in one autoencoder."""
        return {region: self.of(region, sae_seed) for region in self.regions}

    def neurons(self, region: str, sae_seed: int) -> Neurons:
        """M_cult of a region; `NeuronsError` when it has none."""
        scores = self.of(region, sae_seed)
        if not scores.selected.any():
            raise NeuronsError(
                f"region {region!r} has no culture neurons in the autoencoder of seed {sae_seed}; "
                "widen `select_neurons.max_k` or look at its detect captions"
            )
        return as_neurons(np.flatnonzero(scores.selected), scores.mean)


def as_neurons(latents: NDArray[np.int64], levels: Floats) -> Neurons:
    """These latents, ascending, at their own of all `levels` (latents,)."""
    chosen = sorted(map(int, latents))
    return Neurons(chosen, [float(levels[latent]) for latent in chosen])


def _scores(rows: Sequence[Row]) -> Scores:
    return Scores(
        frequency=np.array([row["frequency"] for row in rows]),
        frequency_noun=np.array([row["frequency_noun"] for row in rows]),
        mean=np.array([row["mean"] for row in rows]),
        score_noun=np.array([row["score_noun"] for row in rows]),
        candidate=np.array([row["candidate"] for row in rows], dtype=np.bool_),
        selected=np.array([row["selected"] for row in rows], dtype=np.bool_),
    )
