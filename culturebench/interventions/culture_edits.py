"""The edits of a region's culture neurons, and of random ones for their controls, as condition records ask for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from culturebench.conditions import CONDITIONS, EDITS, Condition, ConditionError, Edit as EditRecord
from culturebench.conditions.catalogue import ACTIVATE
from culturebench.interventions.edits import NormMatched, activate, amplify, mask, norm_matched, steer
from culturebench.interventions.neurons import Neurons, culture_neurons, random_neurons
from culturebench.interventions.subdivisions import activation_of, direction_of
from culturebench.pins import sha256_of
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.base import Edit, TextToImage
from culturebench.text_to_image.sampling import Intervention, encode

if TYPE_CHECKING:
    from culturebench.artifacts.directions import DirectionRow
    from culturebench.artifacts.levels import LevelRow
    from culturebench.artifacts.neurons import NeuronRow

#: Name of an edit's record -> what it makes of some neurons at a strength.
MAKERS: Final[Mapping[str, Callable[[TopKSAE, Neurons, float], Edit]]] = {
    "amplify": lambda sae, neurons, strength: amplify(sae, neurons.indices, strength),
    "activate": lambda sae, neurons, strength: activate(sae, neurons.indices, neurons.levels, strength),
    "mask": lambda sae, neurons, strength: mask(sae, neurons.indices),
}
#: Kind of a control -> the neurons that it takes in the place of a region's own: table, region, SAE seed, draw.
DRAWS: Final[Mapping[str, Callable[[Sequence[NeuronRow], str, int, int], Neurons]]] = {
    "random": random_neurons,
}


def _check(kind: str, named: set[str], made: set[str]) -> None:
    if named != made:
        raise ConditionError(f"records and functions of {kind} differ: {', '.join(sorted(named ^ made))}")


_check("edits", {edit.name for edit in EDITS if edit.part == "neurons"}, set(MAKERS))
_check(
    "controls", {one.control.name for one in CONDITIONS if one.control and one.control.part == "neurons"}, set(DRAWS)
)


@dataclass(frozen=True)
class CultureNeurons:
    """What an encoder's probing found: layer, scores of all latents, autoencoders, and mean differences of prompts."""

    layer: int
    table: Sequence[NeuronRow]
    folders: Mapping[int, Path]  # SAE seed -> folder
    directions: Sequence[DirectionRow] = ()
    levels: Sequence[LevelRow] = ()
    _loaded: dict[int, TopKSAE] = field(default_factory=dict[int, TopKSAE])
    _made: dict[tuple[str, float, str, int], Intervention | None] = field(
        default_factory=dict[tuple[str, float, str, int], "Intervention | None"]
    )

    def intervention(self, condition: Condition, strength: float, region: str, draw: int) -> Intervention | None:
        """The edit of `condition` for one region and draw; None where its strength is 0, which leaves the prompt alone.

        Draw d takes the autoencoder d mod n, and is the seed of the random latents. A mask has no strength.
        """
        key = (condition.name, strength, region, draw)
        if key not in self._made:
            edit = _edit_of(condition)
            nothing = strength == 0 and edit.tuned
            make = self._steered if edit.part == "direction" else self._make
            self._made[key] = None if nothing else make(condition, strength, region, draw)
        return self._made[key]

    def _make(self, condition: Condition, strength: float, region: str, draw: int) -> Intervention:
        record, seeds = _edit_of(condition), sorted(self.folders)
        seed = seeds[draw % len(seeds)]
        sae, make = self._sae(seed), MAKERS[record.name]
        own = culture_neurons(self.table, region, seed)
        if record == ACTIVATE:
            own = activation_of(self.levels, region, seed, draw)
        edit = make(sae, own, strength)
        description: dict[str, Any] = {
            "kind": record.home,
            "strength": strength,
            "sae": sha256_of(self.folders[seed] / saes.WEIGHTS_FILE),
            "neurons": own.indices,
            "levels": own.levels,
        }
        if condition.control is not None:
            control = condition.control.name
            drawn = DRAWS[control](self.table, region, seed, draw)
            edit = norm_matched(make(sae, drawn, strength), edit)
            description |= {control: drawn.indices, f"{control}_levels": drawn.levels}
        return Intervention(self.layer, edit, description)

    def _steered(self, condition: Condition, strength: float, region: str, draw: int) -> Intervention:
        row = direction_of(self.directions, region, condition.caption, draw)
        description = {"kind": _edit_of(condition).home, "strength": strength, "vector": row["vector"]}
        return Intervention(self.layer, steer(row["vector"], strength), description)

    def _sae(self, seed: int) -> TopKSAE:
        if seed not in self._loaded:
            self._loaded[seed] = saes.load(self.folders[seed])
        return self._loaded[seed]


def control_mismatch(
    culture: CultureNeurons,
    system: TextToImage,
    prompts: Sequence[tuple[str, str]],
    condition: Condition,
    strength: float,
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


def _edit_of(condition: Condition) -> EditRecord:
    """What a condition does at the culture layer; `ConditionError` for one that does nothing, or needs an enhancer."""
    if condition.edit is None or condition.edit.part == "enhancer":
        raise ConditionError(f"{condition.name} edits nothing by what was found in an encoder")
    return condition.edit
