"""Generate pictures from the prompt alone."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.artifacts import pictures, pins, prompts as prompt_sets, towers
from culturebench.conditions import made_by
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
    """Generate one condition's pictures of every set of prompts by one model."""
    chosen, how = choose(params.models, model), params.sampler
    sampler = open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine)
    for name, rows, seeds in sets_for(condition, params.prompts, inputs["prompts"], params.generate.seeds):
        made = make_pictures(
            sampler,
            rows,
            made_by("generate", condition).caption,
            seeds,
            how.batch_size,
            condition=condition,
        )
        sampler.tell_cut([(row["region"], row["prompt"]) for row in made])
        pictures.TABLE.save(outputs["pictures"] / f"{name}.parquet", made)


STAGE = Stage(
    name="generate",
    run=run,
    identities=("model", "condition"),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "prompts": prompt_sets.DIRECTORY,
    },
    outputs={"pictures": pictures.FOLDER},
)

if __name__ == "__main__":
    STAGE.main()
