"""Generate pictures under one adapter, and the same ones without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.artifacts import adapted, adapter as adapters, binding, pins, splits, strength, towers
from culturebench.conditions import condition
from culturebench.interventions.adapters.pictures import COLUMNS, adapted_pictures, sets_of, sizes_of
from culturebench.interventions.few_layers import edit_of
from culturebench.interventions.load_culture import load_culture
from culturebench.params import choose
from culturebench.params.adapters import ALL_REGIONS, Adapters
from culturebench.params.engine import Engine
from culturebench.params.generate_adapted import GenerateAdapted
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.base import Intervention
from culturebench.text_to_image.systems import edited_tower, open_sampler

if TYPE_CHECKING:
    from culturebench.artifacts.prompts import PromptRow


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    adapters: Adapters
    engine: Engine
    generate_adapted: GenerateAdapted
    models: Models
    regions: Regions
    sampler: Sampler


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str, adapter: str) -> None:
    """Generate every set of prompts at its strengths, 0 among them."""
    numbers, region = params.generate_adapted, choose(params.adapters, adapter).region
    regions = list(params.regions)
    rows = splits.TABLE.load_all(inputs["test"], regions, COLUMNS)
    prompts = sets_of(rows, "" if region == ALL_REGIONS else region, regions, numbers)
    chosen = choose(params.models, model)
    sampler = open_sampler(
        chosen, inputs["towers"], inputs["system"], params.sampler.steps, Store(store_url()), params.engine
    )
    culture = load_culture(inputs["bound"], edited_tower(chosen))

    def encoder_edit(name: str, row: PromptRow, draw: int) -> Intervention | None:
        record = condition(name)
        amount = strength.chosen(inputs["strength"], record.edit.name) if record.edit and record.edit.tuned else 0.0
        return edit_of(culture, record, amount, row["region"], draw, row["prompt_id"])

    made = adapted_pictures(sampler, inputs["adapter"], prompts, numbers, params.sampler.batch_size, encoder_edit)
    adapted.TABLE.save(outputs["pictures"], made)
    adapted.save_sizes(outputs["sizes"], sizes_of(sampler.system, inputs["adapter"], prompts, numbers))


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str, adapter: str) -> None:
    """No pictures."""
    adapted.TABLE.save(outputs["pictures"], [])
    adapted.save_sizes(outputs["sizes"], [])


STAGE = Stage(
    name="generate_adapted",
    run=run,
    aside=aside,
    identities=("model", "adapter"),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "strength": strength.PATH,
        "adapter": adapters.PATH,
        "test": splits.TEST,
    },
    outputs={"pictures": adapted.PATH, "sizes": adapted.SIZES},
)

if __name__ == "__main__":
    STAGE.main()
