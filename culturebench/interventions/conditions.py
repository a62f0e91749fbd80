"""The edited conditions: which edit each one makes of a region's neurons, and of random ones for its control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from culturebench.interventions.choice import Neurons, culture_neurons, random_neurons
from culturebench.interventions.edits import NormMatched, activate, amplify, mask, norm_matched
from culturebench.pins import sha256_of
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.base import Edit, TextToImage
from culturebench.text_to_image.sampling import Intervention, encode

#: Edit -> the caption that its condition's prompt is.
CAPTION_OF: Final = {"amplified": "noun", "activated": "noun_en", "masked": "cultural"}
RANDOM: Final = "random_"
CONDITIONS: Final = (*CAPTION_OF, *(RANDOM + kind for kind in CAPTION_OF))


@dataclass(frozen=True)
class CultureNeurons:
    """What an encoder's probing found: the layer, the score of every latent, and the folder of each autoencoder."""

    layer: int
    table: Sequence[Mapping[str, Any]]  # rows of the artifact `neurons`
    folders: Mapping[int, Path]  # SAE seed -> folder
    _loaded: dict[int, TopKSAE] = field(default_factory=dict[int, TopKSAE])
    _made: dict[tuple[str, float, str, int], Intervention | None] = field(
        default_factory=dict[tuple[str, float, str, int], "Intervention | None"]
    )

    def intervention(self, condition: str, strength: float, region: str, draw: int) -> Intervention | None:
        """The edit of `condition` for one region and draw; None at strength 0, which leaves the prompt as it is.

        Draw d takes the autoencoder d mod n, and is the seed of the random latents. A mask has no strength.
        """
        key = (condition, strength, region, draw)
        if key not in self._made:
            nothing = strength == 0 and kind_of(condition) != "masked"
            self._made[key] = None if nothing else self._make(*key)
        return self._made[key]

    def _make(self, condition: str, strength: float, region: str, draw: int) -> Intervention:
        seeds = sorted(self.folders)
        seed = seeds[draw % len(seeds)]
        sae, kind = self._sae(seed), kind_of(condition)
        own = culture_neurons(self.table, region, seed)
        edit = make_edit(kind, sae, own, strength)
        description: dict[str, Any] = {
            "kind": kind,
            "strength": strength,
            "sae": sha256_of(self.folders[seed] / saes.WEIGHTS_FILE),
            "neurons": own.indices,
            "levels": own.levels,
        }
        if condition.startswith(RANDOM):
            drawn = random_neurons(self.table, region, seed, draw)
            edit = norm_matched(make_edit(kind, sae, drawn, strength), edit)
            description |= {"random": drawn.indices, "random_levels": drawn.levels}
        return Intervention(self.layer, edit, description)

    def _sae(self, seed: int) -> TopKSAE:
        if seed not in self._loaded:
            self._loaded[seed] = saes.load(self.folders[seed])
        return self._loaded[seed]


def control_mismatch(
    culture: CultureNeurons, system: TextToImage, prompts: Sequence[tuple[str, str]], condition: str, strength: float
) -> float | None:
    """How far a random control's edit misses the norm of the edit that it controls, as a share of it.

    `prompts` are (region, text); each is taken with as many draws as there are autoencoders. 0 is a full match,
    1 a control that does nothing; None where the strength leaves nothing to control.
    """
    total, count = 0.0, 0
    for region, text in prompts:
        for draw in range(len(culture.folders)):
            done = culture.intervention(condition, strength, region, draw)
            if done is None or not isinstance(done.edit, NormMatched):
                return None
            control = NormMatched(done.edit.edit, done.edit.reference)  # one of its own: it counts what it has seen
            encode(system, text, Intervention(done.layer, control, {}))
            total, count = total + control.mismatch, count + 1
    return total / count if count else None


def control_firing(culture: CultureNeurons, regions: Sequence[str]) -> dict[str, float]:
    """On what share of a region's cultural prompts its `culture` neurons fire, and its `random` ones.

    Means over the regions and one draw for each autoencoder. A control can fire no more often than the latents that
    are left to draw from.
    """
    places = [(region, draw, seed) for region in regions for draw, seed in enumerate(sorted(culture.folders))]
    own = [culture_neurons(culture.table, region, seed) for region, _, seed in places]
    drawn = [random_neurons(culture.table, region, seed, draw) for region, draw, seed in places]
    return {"culture": _firing(own), "random": _firing(drawn)}


def _firing(groups: Sequence[Neurons]) -> float:
    return float(np.mean([np.mean(neurons.frequencies) for neurons in groups]))


def kind_of(condition: str) -> str:
    """The edit behind a condition or its random control."""
    return condition.removeprefix(RANDOM)


def make_edit(kind: str, sae: TopKSAE, neurons: Neurons, strength: float) -> Edit:
    """One of the three edits on `neurons`."""
    if kind == "amplified":
        return amplify(sae, neurons.indices, strength)
    if kind == "activated":
        return activate(sae, neurons.indices, neurons.levels, strength)
    return mask(sae, neurons.indices)
