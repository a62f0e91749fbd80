"""Generate the test prompts' pictures from noun prompts with a trained enhancer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import enhancer as enhancers, pictures, pins, splits, towers
from culturebench.errors import CultureBenchError
from culturebench.interventions.trained import enhanced
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.generate import Generate
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.stage import Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.prompts import CAPTIONS, make_pictures, select_prompts
from culturebench.text_to_image.systems import open_sampler

COLUMNS = ("picture_id", "region", "subdivision", "metadata", *CAPTIONS)
SITE_OF = {"enhanced": "culture", "random_layer_enhanced": "random"}


def run(
    params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, model: str, condition: str
) -> None:
    """Generate one enhanced condition's pictures of one model."""
    if condition not in SITE_OF:
        raise CultureBenchError(f"conditions.enhanced has {condition!r}; generate_enhanced makes: {', '.join(SITE_OF)}")
    chosen = choose(params.models, model)
    numbers: Generate = params.generate
    how: Sampler = params.sampler
    intervention = enhanced(inputs["enhancers"] / SITE_OF[condition])
    test = splits.TABLE.load_all(inputs["test"], params.regions, COLUMNS)
    made = make_pictures(
        open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine),
        select_prompts(test, list(params.regions), numbers.prompts_per_region),
        "noun",
        numbers.seeds,
        how.batch_size,
        condition=condition,
        intervene=lambda region, draw: intervention,
    )
    pictures.TABLE.save(outputs["pictures"], [{**row, "draw": 0} for row in made])


STAGE = Stage(
    name="generate_enhanced",
    run=run,
    identities=("model", "condition"),
    sections=(Engine, Generate, Models, Regions, Sampler),
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "enhancers": enhancers.DIRECTORY + "/{model}",
        "test": splits.TEST,
    },
    outputs={"pictures": pictures.PATH},
)

if __name__ == "__main__":
    STAGE.main()
