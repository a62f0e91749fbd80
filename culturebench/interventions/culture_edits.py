"""The edits of a region's culture neurons, and of what controls them, as condition records ask for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from culturebench.conditions import CONDITIONS, EDITS, Condition, ConditionError, Edit as EditRecord
from culturebench.conditions.catalogue import ACTIVATE
from culturebench.interventions.controls import (
    DRAWS,
    OF_DIRECTIONS,
    Beside,
    Case,
    Drawn,
    NoControlError,
    matched_pool,
    random_of,
)
from culturebench.interventions.edits import Measured, activate, amplify, mask, steer, unchanged
from culturebench.interventions.neurons import Neurons, NeuronTable
from culturebench.interventions.subdivisions import activation_of, direction_of
from culturebench.pins import sha256_of
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.base import Edit, EncoderEdit, TextToImage
from culturebench.text_to_image.sampling import encode

if TYPE_CHECKING:
    from culturebench.artifacts.directions import DirectionRow
    from culturebench.artifacts.levels import LevelRow
    from culturebench.artifacts.strength import Pool

#: Name of an edit's record -> what it makes of some neurons at a strength.
MAKERS: Final[Mapping[str, Callable[[TopKSAE, Neurons, float], Edit]]] = {
    "amplify": lambda sae, neurons, strength: amplify(sae, neurons.indices, strength),
    "activate": lambda sae, neurons, strength: activate(sae, neurons.indices, neurons.levels, strength),
    "mask": lambda sae, neurons, strength: mask(sae, neurons.indices),
}


def _check(kind: str, named: set[str], made: set[str]) -> None:
    if named != made:
        raise ConditionError(f"records and functions of {kind} differ: {', '.join(sorted(named ^ made))}")


def _controls_of(part: str) -> set[str]:
    return {one.control.name for one in CONDITIONS if one.control and one.edit and one.edit.part == part}


_check("edits", {edit.name for edit in EDITS if edit.part == "neurons"}, set(MAKERS))
_check("controls", _controls_of("neurons"), set(DRAWS))
_check("controls of directions", _controls_of("direction"), set(OF_DIRECTIONS))


@dataclass(frozen=True)
class CultureNeurons:
    """What an encoder's probing found: layer, scores of all latents, autoencoders, and mean differences of prompts."""

    layer: int
    table: NeuronTable
    folders: Mapping[int, Path]  # SAE seed -> folder
    directions: Sequence[DirectionRow] = ()
    levels: Sequence[LevelRow] = ()
    few_layers: Sequence[DirectionRow] = ()  # the mean differences at a few layers, the marked one among them
    _loaded: dict[int, tuple[TopKSAE, str]] = field(default_factory=dict[int, tuple[TopKSAE, str]])  # and its sha256
    _made: dict[tuple[str, float, str, int], EncoderEdit | None] = field(
        default_factory=dict[tuple[str, float, str, int], "EncoderEdit | None"]
    )

    def intervention(
        self, condition: Condition, strength: float, region: str, draw: int, prompt: str = ""
    ) -> EncoderEdit | None:
        """The edit of `condition` for one region and draw; None where its strength is 0, which leaves the prompt alone.

        Draw d takes the autoencoder d mod n. A control is drawn afresh for every `prompt` (an id) and draw;
        `NoControlError` where it cannot be drawn. A mask has no strength.
        """
        edit = _edit_of(condition)
        if strength == 0 and edit.tuned:
            return None
        if condition.control is not None:
            return self._control(condition, condition.control.name, strength, region, draw, prompt)
        key = (condition.name, strength, region, draw)
        if key not in self._made:
            make = self._steered if edit.part == "direction" else self._edited
            self._made[key] = make(condition, strength, region, draw)
        return self._made[key]

    def undrawn(self, condition: Condition, strength: float) -> dict[str, str]:
        """Region -> why the control that `condition` is cannot be drawn there; none for a condition that is no control.

        A region is missing as a whole, also where only one autoencoder has too few latents.
        """
        found: dict[str, str] = {}
        for region, draw in product(self.table.regions, range(len(self.folders))):
            try:
                self.intervention(condition, strength, region, draw)
            except NoControlError as error:
                found[region] = str(error)
        return found

    def _edited(self, condition: Condition, strength: float, region: str, draw: int) -> EncoderEdit:
        edit, seed = _edit_of(condition), self._seed(draw)
        sae, weights = self._sae(seed)
        own = self._acted_on(edit, region, draw)
        description: dict[str, Any] = {
            "kind": edit.home,
            "strength": strength,
            "sae": weights,
            "neurons": own.indices,
            "levels": own.levels,
        }
        return EncoderEdit(self.layer, MAKERS[edit.name](sae, own, strength), description)

    def _steered(self, condition: Condition, strength: float, region: str, draw: int) -> EncoderEdit:
        row = direction_of(self.directions, region, condition.caption, draw)
        description = {"kind": _edit_of(condition).home, "strength": strength, "vector": row["vector"]}
        return EncoderEdit(self.layer, steer(row["vector"], strength), description)

    def _control(
        self, condition: Condition, control: str, strength: float, region: str, draw: int, prompt: str
    ) -> EncoderEdit:
        edit, random = _edit_of(condition), random_of(control, region, prompt, draw)
        if edit.part == "direction":
            own = self._steered(condition, strength, region, draw)
            done, drawn = OF_DIRECTIONS[control](Beside(own.edit, len(own.details["vector"]), random))
        else:
            own = self._edited(condition, strength, region, draw)
            done, drawn = self._drawn(edit, control, strength, region, draw, own.edit, random)
        return EncoderEdit(self.layer, done, {**own.details, "control": control, **drawn})

    def _drawn(
        self,
        edit: EditRecord,
        control: str,
        strength: float,
        region: str,
        draw: int,
        own: Edit,
        random: np.random.Generator,
    ) -> Drawn:
        seed = self._seed(draw)
        sae, _ = self._sae(seed)
        case = Case(
            reference=own,
            width=sae.d,
            random=random,
            table=self.table,
            region=region,
            sae_seed=seed,
            acted_on=lambda code: self._acted_on(edit, code, draw),
            make=lambda neurons: MAKERS[edit.name](sae, neurons, strength),
        )
        return DRAWS[control](case)

    def _acted_on(self, edit: EditRecord, region: str, draw: int) -> Neurons:
        """The latents that an edit of a region's culture acts on: for `activate` also its language's, where asked."""
        if edit == ACTIVATE:
            return activation_of(self.levels, region, self._seed(draw), draw)
        return self.table.neurons(region, self._seed(draw))

    def _seed(self, draw: int) -> int:
        seeds = sorted(self.folders)
        return seeds[draw % len(seeds)]

    def _sae(self, seed: int) -> tuple[TopKSAE, str]:
        if seed not in self._loaded:
            self._loaded[seed] = (saes.load(self.folders[seed]), sha256_of(self.folders[seed] / saes.WEIGHTS_FILE))
        return self._loaded[seed]


def size_of(
    culture: CultureNeurons,
    system: TextToImage,
    prompts: Sequence[tuple[str, str, str]],
    condition: Condition,
    strength: float,
) -> float | None:
    """How much an edit adds to a token, as a share of the feature's norm: the mean over the prompts' real tokens.

    `prompts` are (region, id, text); each is taken with as many draws as there are autoencoders. None where nothing
    can be drawn.
    """
    sizes: list[float] = []
    for region, name, text in prompts:
        for draw in range(len(culture.folders)):
            try:
                done = culture.intervention(condition, strength, region, draw, name)
            except NoControlError:
                continue
            measured = Measured(done.edit if done else unchanged)
            encode(system, text, EncoderEdit(culture.layer, measured, {}))
            sizes.append(measured.size)
    return float(np.mean(sizes)) if sizes else None


def pools(table: NeuronTable, sae_seeds: Sequence[int]) -> list[Pool]:
    """How many latents the control `matched` draws from; without the regions in which it cannot be drawn."""
    found: list[Pool] = []
    for region, seed in product(table.regions, sae_seeds):
        try:
            pool = matched_pool(table, region, seed)
        except NoControlError:
            continue
        found.append({"region": region, "sae_seed": seed, "latents": pool.size, "own_only": pool.own_only})
    return found


def _edit_of(condition: Condition) -> EditRecord:
    """What a condition does at the culture layer; `ConditionError` for one that does nothing, or needs an enhancer."""
    if condition.edit is None or condition.edit.part == "enhancer":
        raise ConditionError(f"{condition.name} edits nothing by what was found in an encoder")
    return condition.edit
