"""Generate the test prompts' pictures from the prompt alone: noun, noun_en or cultural."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import pictures, pins, splits, towers
from culturebench.errors import CultureBenchError
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
CONDITIONS = ("noun", "noun_en", "cultural")  # each is made from the caption of its name


def run(
    params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, model: str, condition: str
) -> None:
    """Generate one condition's pictures of one model."""
    if condition not in CONDITIONS:
        raise CultureBenchError(f"conditions.pinned has {condition!r}; generate makes: {', '.join(CONDITIONS)}")
    chosen = choose(params.models, model)
    numbers: Generate = params.generate
    how: Sampler = params.sampler
    test = splits.TABLE.load_all(inputs["test"], params.regions, COLUMNS)
    prompts = select_prompts(test, list(params.regions), numbers.prompts_per_region)
    sampler = open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine)
    made = make_pictures(sampler, prompts, condition, numbers.seeds, how.batch_size, condition=condition)
    pictures.TABLE.save(outputs["pictures"], made)


STAGE = Stage(
    name="generate",
    run=run,
    identities=("model", "condition"),
    sections=(Engine, Generate, Models, Regions, Sampler),
    inputs={"system": pins.SYSTEM, "towers": towers.PATH, "test": splits.TEST},
    outputs={"pictures": pictures.PATH},
)

if __name__ == "__main__":
    STAGE.main()
