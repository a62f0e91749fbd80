"""The scores of every latent, found by region and autoencoder, and the neurons that an intervention acts on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from culturebench.errors import CultureBenchError
from culturebench.probing.selection import top

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


@dataclass(frozen=True)
class Together:
    """Of every latent (latents,) what all regions say of it together."""

    fires: Bools  # on some cultural prompt
    frequency: Floats  # share of all cultural prompts
    mean: Floats  # on the cultural prompts where it fires
    taken: Bools  # some region's neuron, or among the strongest of its noun prompts


class NeuronTable:
    """The artifact `neurons`, indexed once by region and seed of the autoencoder."""

    def __init__(self, rows: Sequence[Row]) -> None:
        ordered = sorted(rows, key=lambda row: (row["sae_seed"], row["region"], row["latent"]))
        self._read({name: np.array([row[name] for row in ordered], dtype=kind) for name, kind in COLUMNS.items()})

    @classmethod
    def from_columns(cls, columns: Mapping[str, NDArray[Any]]) -> NeuronTable:
        """Of whole columns (rows,), those of `COLUMNS`, in the order of the artifact's key."""
        table = cls([])
        table._read(columns)
        return table

    def _read(self, columns: Mapping[str, NDArray[Any]]) -> None:
        region, seed = columns["region"], columns["sae_seed"]
        changes = np.flatnonzero((region[1:] != region[:-1]) | (seed[1:] != seed[:-1])) + 1
        edges = [0, *changes.tolist(), len(seed)] if len(seed) else []
        self._scores = {
            (str(region[start]), int(seed[start])): Scores(**{name: columns[name][start:stop] for name in _OF_A_LATENT})
            for start, stop in pairwise(edges)
        }
        self._together: dict[int, Together] = {}

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

    def together(self, sae_seed: int) -> Together:
        """What all regions say of the latents of one autoencoder, computed once."""
        if sae_seed not in self._together:
            self._together[sae_seed] = _together(list(self.every(sae_seed).values()))
        return self._together[sae_seed]

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


def shown(scores: Scores) -> Bools:
    """The region's neurons, and as many of the latents that are strongest on its noun prompts as are candidates."""
    return scores.selected | top(scores.score_noun, int(scores.candidate.sum()))


def _together(regions: Sequence[Scores]) -> Together:
    frequency = np.stack([one.frequency for one in regions])
    mean = np.stack([one.mean for one in regions])
    total = frequency.sum(axis=0)
    return Together(
        fires=np.any(frequency > 0, axis=0),
        frequency=frequency.mean(axis=0),
        mean=np.divide((frequency * mean).sum(axis=0), total, out=np.zeros_like(total), where=total > 0),
        taken=np.any([shown(one) for one in regions], axis=0),
    )


_OF_A_LATENT: Final = tuple(field.name for field in fields(Scores))
#: The columns of the artifact that are read -> their types in memory.
COLUMNS: Final = {
    "sae_seed": np.int64,
    "region": object,
    "latent": np.int32,
    **{name: np.bool_ if name in ("candidate", "selected") else np.float64 for name in _OF_A_LATENT},
}
