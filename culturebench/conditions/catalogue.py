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
    explained="as many latents, drawn uniformly from all others, {done}",
    parts=("neurons",),
    question="is it these latents, or would any do?",
)
MATCHED: Final = Control(
    name="matched",
    label="Matched",
    explained="latents that fire as often and as strongly, but are no region's, {done}",
    parts=("neurons",),
    question="is it their culture, or that they are active?",
)
SAME_NORM: Final = Control(
    name="same_norm",
    label="Same norm",
    explained="a Gaussian direction, as large as what it stands beside",
    parts=("neurons", "direction"),
    question="is it the direction, or the size?",
)
OTHER_REGION: Final = Control(
    name="other_region",
    label="Other region's",
    explained="another region's culture neurons {done}, as large",
    parts=("neurons",),
    question="is it this culture, or any?",
)
LANGUAGE: Final = Control(
    name="language",
    label="Language",
    explained="latents that the region's noun prompts share, {done}, as large",
    parts=("neurons",),
    question="is it culture, or language?",
)
#: Of every edit of neurons: each question can be asked of each.
OF_NEURONS: Final = (RANDOM, MATCHED, SAME_NORM, OTHER_REGION, LANGUAGE)
SHUFFLED: Final = Control(
    name="shuffled",
    label="Shuffled",
    explained="an enhancer trained at the culture layer on pictures of other regions",
    parts=("enhancer",),
    question="is it what the references show, or the training alone?",
    site="shuffled",
)
OTHER_LAYER: Final = Control(
    name="other_layer",
    label="Another layer",
    explained="the enhancer trained at another layer, where it can learn as well",
    parts=("enhancer",),
    question="how much does the layer matter?",
    site="other_layer",
    null=False,
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
        controls=OF_NEURONS,
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
        controls=(SHUFFLED, OTHER_LAYER),
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
        controls=(SAME_NORM,),
        subject="Adding the mean difference of the prompts",
    ),
    Condition(
        name="few_layers_steered",
        label="Steered at a few layers",
        explained="the noun caption, mean differences added at a few layers, in all as large as at the one",
        caption="noun",
        reference="noun",
        edit=STEER,
        controls=(SAME_NORM,),
        baselines=("steered",),
        subject="Adding the mean differences at a few layers",
        few_layers=True,
    ),
    Condition(
        name="activated",
        label="Activated",
        explained="the English noun, the region's culture neurons switched on",
        caption="noun_en",
        reference="noun_en",
        edit=ACTIVATE,
        controls=OF_NEURONS,
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
        controls=(SAME_NORM,),
        subject="Adding the mean difference, in English",
    ),
    Condition(
        name="masked",
        label="Masked",
        explained="the cultural caption, the region's culture neurons set to 0",
        caption="cultural",
        reference="cultural",
        edit=MASK,
        controls=OF_NEURONS,
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
