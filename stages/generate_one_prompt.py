"""One English prompt and seed, once as it is and once with each region's neurons activated."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.artifacts import binding, pictures, pins, prompts as prompt_sets, strength, towers
from culturebench.conditions import condition
from culturebench.conditions.catalogue import ACTIVATE
from culturebench.interventions.load_culture import load_culture
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.generate import Generate
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.pictures import make_pictures
from culturebench.text_to_image.systems import edited_tower, open_sampler

NO_REGION = ""  # the picture without any edit


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    engine: Engine
    generate: Generate
    models: Models
    regions: Regions
    sampler: Sampler


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Generate the first test prompt in English, with the first seed, under every region's neurons."""
    chosen = choose(params.models, model)
    numbers = params.generate
    how = params.sampler
    regions = list(params.regions)
    record = condition(ACTIVATE.home)
    amount = strength.chosen(inputs["strength"], ACTIVATE.name)
    culture = load_culture(inputs["bound"], edited_tower(chosen))
    first = next(row for row in prompt_sets.TABLE.load(inputs["prompts"]) if row["region"] == regions[0])
    made = make_pictures(
        open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine),
        [{**first, "region": region, "subdivision": ""} for region in (NO_REGION, *regions)],
        record.caption,
        numbers.seeds[:1],
        how.batch_size,
        condition="one_prompt",
        strength=amount,
        intervene=lambda row, draw: (
            culture.intervention(record, amount, row["region"], draw) if row["region"] else None
        ),
    )
    pictures.ONE_PROMPT.save(outputs["pictures"], made)


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """No pictures."""
    pictures.ONE_PROMPT.save(outputs["pictures"], [])


STAGE = Stage(
    name="generate_one_prompt",
    run=run,
    aside=aside,
    identities=("model",),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "strength": strength.PATH,
        "prompts": prompt_sets.TEST_PATH,
    },
    outputs={"pictures": pictures.ONE_PROMPT_PATH},
)

if __name__ == "__main__":
    STAGE.main()
