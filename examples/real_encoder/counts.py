"""What of the pairs and neurons is counted before any share is believed: tokens in two roles, neurons of one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from culturebench.interventions.neurons import NeuronTable
from culturebench.probing.pairs import Pair
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.base import TextEncoder

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Tokenised:
    """Of some pairs: in how many a token is of modifier and noun, and the noun's tokens are others than alone."""

    pairs: int
    shared: int
    split_otherwise: int


def tokenised(encoder: TextEncoder, pairs: Sequence[Pair]) -> Tokenised:
    """How the encoder's tokenizer treats modifier and noun of each pair."""
    cultural = encoder.tokenize([pair.cultural.text for pair in pairs])
    noun = encoder.tokenize([pair.noun.text for pair in pairs])
    shared = otherwise = 0
    for row, pair in enumerate(pairs):
        inside = cultural.positions(row, *pair.cultural.noun)
        alone = noun.positions(row, *pair.noun.noun)
        modifier = cultural.positions(row, *pair.cultural.modifier) if pair.cultural.modifier else []
        shared += bool(set(inside) & set(modifier))
        otherwise += cultural.ids[row, inside].tolist() != noun.ids[row, alone].tolist()
    return Tokenised(len(pairs), shared, otherwise)


@dataclass(frozen=True)
class Overlap:
    """How near a neuron's nearest one of another autoencoder is: of its own region, of the others, of all latents."""

    own: float
    others: float
    any: float


def overlap(table: NeuronTable, loaded: Mapping[int, TopKSAE], regions: Sequence[str]) -> Overlap:
    """Mean cosine of decoder directions over every neuron, region and ordered pair of autoencoders.

    Latents of two autoencoders have no common numbers, so a neuron is looked for by its direction. A region without
    neurons in one of the two is left out.
    """
    directions = {seed: sae.decoder.detach().numpy() for seed, sae in loaded.items()}
    chosen = {
        (seed, region): [int(latent) for latent in np.flatnonzero(table.of(region, seed).selected)]
        for seed in loaded
        for region in regions
    }
    found: list[tuple[float, float, float]] = []
    for one in loaded:
        for other in loaded.keys() - {one}:
            for region in regions:
                own = chosen[other, region]
                if not own:
                    continue
                foreign = sorted({i for code in regions if code != region for i in chosen[other, code]} - set(own))
                for latent in chosen[one, region]:
                    near = directions[other] @ directions[one][latent]
                    found.append((_largest(near[own]), _largest(near[foreign]), _largest(near)))
    return Overlap(*(fmean(values) for values in zip(*found, strict=True)))


def _largest(values: Floats) -> float:
    return float(values.max()) if len(values) else 0.0
