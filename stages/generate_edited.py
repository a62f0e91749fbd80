"""Generate pictures with culture neurons, or what controls them, amplified, activated or masked."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from culturebench.artifacts import binding, pictures, pins, prompts as prompt_sets, strength, towers
from culturebench.conditions import made_by
from culturebench.interventions.few_layers import edit_of
from culturebench.interventions.load_culture import load_culture
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.generate import Generate
from culturebench.params.models import Models
from culturebench.params.prompts import Prompts
from culturebench.params.sampler import Sampler
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.pictures import make_pictures
from culturebench.text_to_image.prompt_sets import sets_for
from culturebench.text_to_image.systems import edited_tower, open_sampler


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    engine: Engine
    generate: Generate
    models: Models
    prompts: Prompts
    sampler: Sampler


def run(
    params: Params,
    inputs: Paths,
    outputs: Paths,
    *,
    model: str,
    condition: str,
) -> None:
    """Generate one edited condition's pictures of every set of prompts by one model."""
    record = made_by("generate_edited", condition)
    chosen, how = choose(params.models, model), params.sampler
    amount = strength.chosen(inputs["strength"], record.edit.name) if record.edit and record.edit.tuned else 0.0
    culture = load_culture(inputs["bound"], edited_tower(chosen))
    missing = culture.undrawn(record, amount)
    for region, reason in missing.items():
        print(f"{condition} has no pictures of {region}: {reason}", file=sys.stderr)
    sampler = open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine)
    every = params.generate.seeds_of(control=record.control is not None)
    for name, rows, seeds in sets_for(condition, params.prompts, inputs["prompts"], every):
        made = make_pictures(
            sampler,
            [row for row in rows if row["region"] not in missing],
            record.caption,
            seeds,
            how.batch_size,
            condition=condition,
            strength=amount,
            intervene=lambda row, draw: edit_of(culture, record, amount, row["region"], draw, row["prompt_id"]),
        )
        pictures.TABLE.save(outputs["pictures"] / f"{name}.parquet", made)


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str, condition: str) -> None:
    """No pictures."""
    pictures.save_none(outputs["pictures"], params.prompts.root)


STAGE = Stage(
    name="generate_edited",
    run=run,
    aside=aside,
    identities=("model", "condition"),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "strength": strength.PATH,
        "prompts": prompt_sets.DIRECTORY,
    },
    outputs={"pictures": pictures.FOLDER},
)

if __name__ == "__main__":
    STAGE.main()
