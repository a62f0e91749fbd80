"""Generate pictures with a trained enhancer."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.artifacts import enhancer as enhancers, pictures, pins, prompts as prompt_sets, towers
from culturebench.artifacts.pictures import PictureRow
from culturebench.conditions import made_by
from culturebench.interventions.load_enhancer import enhanced
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
from culturebench.text_to_image.systems import open_sampler


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
    """Generate one enhanced condition's pictures of every set of prompts by one model."""
    record = made_by("generate_enhanced", condition)
    chosen, how = choose(params.models, model), params.sampler
    intervention = enhanced(inputs["enhancers"] / record.site)
    sampler = open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine)
    every = params.generate.seeds_of(control=record.control is not None)
    for name, rows, seeds in sets_for(condition, params.prompts, inputs["prompts"], every):
        made = make_pictures(
            sampler,
            rows,
            record.caption,
            seeds,
            how.batch_size,
            condition=condition,
            intervene=lambda row, draw: intervention,
        )
        undrawn: list[PictureRow] = [{**row, "draw": 0} for row in made]  # an enhancer knows no draws
        pictures.TABLE.save(outputs["pictures"] / f"{name}.parquet", undrawn)


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str, condition: str) -> None:
    """No pictures."""
    pictures.save_none(outputs["pictures"], params.prompts.root)


STAGE = Stage(
    name="generate_enhanced",
    run=run,
    aside=aside,
    identities=("model", "condition"),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "enhancers": enhancers.DIRECTORY + "/{model}",
        "prompts": prompt_sets.DIRECTORY,
    },
    outputs={"pictures": pictures.FOLDER},
)

if __name__ == "__main__":
    STAGE.main()
