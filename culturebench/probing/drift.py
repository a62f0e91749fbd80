"""What another revision of a text encoder does to the layer, the neurons and CultureVQA.

The autoencoders of two revisions number their latents independently, as two seeds on one revision do: an index says
nothing about the other side. Two neurons count as the same when their decoder directions have a cosine of `SAME` or
more; each is matched once, as many as possible; the overlap is the Jaccard index of the two sets under this matching.
The bound of 0.7 is that of Paulo and Belrose, Sparse Autoencoders Trained on the Same Data Learn Different Features.

Directions are comparable as long as both revisions write into one basis, as a fine-tuned revision does, and at one
layer. A revision that was trained anew, or a moved layer, gives an overlap at the noise floor or below whatever the
features are: it then says "other neurons", not "other features". The noise floor is the overlap of two seeds on the
accepted revision. Revisions are compared seed by seed, which start from equal weights: that favours the overlap, so
one below the floor is a change and one above it no proof that there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from culturebench.artifacts import layer_probe, neurons, sae
from culturebench.errors import CultureBenchError
from culturebench.evaluation.names import ALL, CULTURE, POOLED, TEST
from culturebench.extras import needed

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import EvaluationRow

#: Cosine of two decoder directions from which on they are one neuron.
SAME = 0.7
DECODER = ("sae.safetensors", "W_dec")  # the file in a seed's folder, and its tensor (latents, d)

Directions = NDArray[np.float32]  # (neurons, d)


class DriftError(CultureBenchError):
    """Autoencoders and neurons that do not fit each other."""


@dataclass(frozen=True)
class Probed:
    """What probing found in one revision: the layer, and each region's neurons as directions by seed."""

    layer: int  # 0-based
    neurons: Mapping[str, Mapping[int, Directions]]


@dataclass(frozen=True)
class RegionDrift:
    """Overlap of the two revisions' neurons and of two seeds; None where there is nothing to compare."""

    region: str
    overlap: float | None
    floor: float | None

    @property
    def moved(self) -> bool:
        """Whether the revision changes more than another seed would."""
        return self.overlap is not None and self.floor is not None and self.overlap < self.floor


@dataclass(frozen=True)
class Change:
    """CultureVQA under both revisions, and their difference with its interval."""

    model: str
    condition: str
    before: float
    after: float
    low: float
    high: float


def read(layer: Path, autoencoders: Path, table: Path) -> Probed:
    """From the files of probe_layers, train_sae and select_neurons; `DriftError` when they do not fit each other."""
    rows = neurons.TABLE.load(table, ["sae_seed", "region", "latent", "selected"])
    decoders = {seed: _decoder(sae.seed_folder(autoencoders, seed)) for seed in sae.seeds(autoencoders)}
    chosen: dict[str, dict[int, list[int]]] = {}
    for row in rows:
        latents = chosen.setdefault(row["region"], {seed: [] for seed in decoders}).get(row["sae_seed"])
        if latents is None or row["latent"] >= len(decoders[row["sae_seed"]]):
            raise DriftError(f"{table} is of other autoencoders than {autoencoders}; run `dvc repro select_neurons`")
        if row["selected"]:
            latents.append(row["latent"])
    found = {
        region: {seed: decoders[seed][latents] for seed, latents in by_seed.items()}
        for region, by_seed in chosen.items()
    }
    return Probed(layer_probe.load_layer(layer)["layer"], found)


def _decoder(folder: Path) -> Directions:
    file, tensor = DECODER
    try:
        return load_file(folder / file)[tensor].astype(np.float32)
    except (OSError, KeyError, SafetensorError) as error:
        raise DriftError(f"{folder} holds no usable autoencoder ({error}); run `dvc repro -f train_sae`") from None


def overlap(one: Directions, other: Directions) -> float | None:
    """Jaccard index of two sets of directions, (n, d) and (m, d); None when both are empty or d differs."""
    with needed("pipeline"):
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import maximum_bipartite_matching

    if one.shape[1] != other.shape[1] or not len(one) + len(other):
        return None
    same = (_unit(one) @ _unit(other).T) >= SAME
    matched = int((maximum_bipartite_matching(csr_array(same)) >= 0).sum()) if same.size else 0
    return matched / (len(one) + len(other) - matched)


def _unit(directions: Directions) -> Directions:
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return cast(Directions, directions / np.where(lengths > 0, lengths, 1))


def compare(before: Probed, after: Probed) -> list[RegionDrift]:
    """The overlap of each region that both have: the mean over the seeds that both have, and over pairs of seeds."""
    return [
        RegionDrift(
            region,
            _mean(overlap(seeds[seed], after.neurons[region][seed]) for seed in seeds.keys() & after.neurons[region]),
            _mean(overlap(one, other) for one, other in combinations(seeds.values(), 2)),
        )
        for region, seeds in before.neurons.items()
        if region in after.neurons
    ]


def _mean(values: Iterable[float | None]) -> float | None:
    known = sorted(value for value in values if value is not None)
    return fmean(known) if known else None


def changes(before: Iterable[EvaluationRow], after: Iterable[EvaluationRow]) -> list[Change]:
    """The change of CultureVQA, all regions and judges pooled, from the rows of two evaluations.

    The interval joins those of the two values (MOVER; Zou and Donner 2008) as if they were independent. They share
    prompts and noise, so it is rather too wide.
    """
    old, new = _pooled(before), _pooled(after)
    found: list[Change] = []
    for key in sorted(old.keys() & new.keys()):
        (a, a_low, a_high), (b, b_low, b_high) = old[key], new[key]
        low = b - a - math.hypot(b - b_low, a_high - a)
        high = b - a + math.hypot(b_high - b, a - a_low)
        found.append(Change(*key, before=a, after=b, low=low, high=high))
    return found


def _pooled(rows: Iterable[EvaluationRow]) -> dict[tuple[str, str], tuple[float, float, float]]:
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    for row in rows:
        value, low, high = row["value"], row["low"], row["high"]
        if row["prompts"] != TEST or row["against"]:
            continue
        if (row["measure"], row["region"], row["judge"]) != (CULTURE, ALL, POOLED):
            continue
        if value is not None and low is not None and high is not None:
            found[row["model"], row["condition"]] = value, low, high
    return found
