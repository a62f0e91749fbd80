"""All conditions, in the order in which tables have them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from culturebench.conditions.record import Condition, ConditionError, Control, Edit, check, with_controls

AMPLIFY: Final = Edit(
    name="amplify",
    label="Amplify",
    done="scaled up as much",
    part="neurons",
    direction="raises",
    home="amplified",
    tuned=True,
)
ACTIVATE: Final = Edit(
    name="activate",
    label="Activate",
    done="switched on",
    part="neurons",
    direction="raises",
    home="activated",
    tuned=True,
)
MASK: Final = Edit(name="mask", label="Mask", done="set to 0", part="neurons", direction="lowers", home="masked")
ENHANCE: Final = Edit(
    name="enhance",
    label="Enhance",
    done="added to by a trained residual",
    part="enhancer",
    direction="raises",
    home="enhanced",
    site="culture",
)
STEER: Final = Edit(
    name="steer",
    label="Steer",
    done="added to by the mean difference",
    part="direction",
    direction="raises",
    home="steered",
    tuned=True,
)
STEER_EN: Final = Edit(
    name="steer_en",
    label="Steer",
    done="added to by the mean difference",
    part="direction",
    direction="raises",
    home="steered_en",
    tuned=True,
)
EDITS: Final = (AMPLIFY, ACTIVATE, MASK, ENHANCE, STEER, STEER_EN)

RANDOM: Final = Control(
    name="random",
    label="Random",
    explained="as many random neurons {done}",
    part="neurons",
    question="is it these neurons, or would any do as much?",
)
RANDOM_LAYER: Final = Control(
    name="random_layer",
    label="Random layer",
    explained="the enhancer trained at another layer",
    part="enhancer",
    question="is it this layer, or would an enhancer at any do as much?",
    site="random",
)

#: Without the controls, whose records follow from these.
_WRITTEN: Final = (
    Condition(
        name="noun_en",
        label="English noun",
        explained="the noun caption in English",
        caption="noun_en",
        reference="",
    ),
    Condition(
        name="noun",
        label="Noun",
        explained="the noun caption in the region's language",
        caption="noun",
        reference="noun_en",
        confusion=True,
    ),
    Condition(
        name="cultural",
        label="Cultural",
        explained="the noun with a culture-style modifier",
        caption="cultural",
        reference="noun",
    ),
    Condition(
        name="prompted_en",
        label="English prompted",
        explained="the English noun with a modifier of the region's file",
        caption="prompted_en",
        reference="noun_en",
    ),
    Condition(
        name="prompted",
        label="Prompted",
        explained="the noun with a modifier of the region's file",
        caption="prompted",
        reference="noun",
    ),
    Condition(
        name="amplified",
        label="Amplified",
        explained="the noun caption, the region's culture neurons scaled up",
        caption="noun",
        reference="noun",
        edit=AMPLIFY,
        controls=(RANDOM,),
        baselines=("steered", "prompted"),
        subject="Amplifying the region's culture neurons",
    ),
    Condition(
        name="enhanced",
        label="Enhanced",
        explained="the noun caption, a trained residual at the culture layer",
        caption="noun",
        reference="noun",
        edit=ENHANCE,
        controls=(RANDOM_LAYER,),
        baselines=("steered", "prompted"),
        subject="The trained enhancer at the culture layer",
        confusion=True,
    ),
    Condition(
        name="steered",
        label="Steered",
        explained="the noun caption, the mean difference of cultural and noun prompts added",
        caption="noun",
        reference="noun",
        edit=STEER,
        subject="Adding the mean difference of the prompts",
    ),
    Condition(
        name="activated",
        label="Activated",
        explained="the English noun, the region's culture neurons switched on",
        caption="noun_en",
        reference="noun_en",
        edit=ACTIVATE,
        controls=(RANDOM,),
        baselines=("steered_en", "prompted_en"),
        subject="Switching the neurons on, in English",
    ),
    Condition(
        name="steered_en",
        label="English steered",
        explained="the English noun, the mean difference of cultural and English noun prompts added",
        caption="noun_en",
        reference="noun_en",
        edit=STEER_EN,
        subject="Adding the mean difference, in English",
    ),
    Condition(
        name="masked",
        label="Masked",
        explained="the cultural caption, the region's culture neurons set to 0",
        caption="cultural",
        reference="cultural",
        edit=MASK,
        controls=(RANDOM,),
        subject="Setting the culture neurons to 0",
    ),
)
CONDITIONS: Final = with_controls(_WRITTEN)
check(CONDITIONS, EDITS)
BY_NAME: Final = {one.name: one for one in CONDITIONS}


def condition(name: str) -> Condition:
    """The record of a condition; `ConditionError` lists the names there are."""
    if name not in BY_NAME:
        raise ConditionError(f"no condition is called {name!r}; there are: {', '.join(BY_NAME)}")
    return BY_NAME[name]


def made_by(stage: str, name: str) -> Condition:
    """The record of a condition that `stage` makes; `ConditionError` for another one's, and for what there is not."""
    makes = [one.name for one in CONDITIONS if one.stage == stage]
    if name not in makes:
        raise ConditionError(
            f"{stage} does not make {name!r}; correct `conditions` in params.yaml: {stage} makes: {', '.join(makes)}"
        )
    return BY_NAME[name]


def in_order(names: Collection[str]) -> list[str]:
    """`names` in the order of the records; `ConditionError` for one that has none."""
    found: Iterable[Condition] = sorted(map(condition, names), key=CONDITIONS.index)
    return [one.name for one in found]
