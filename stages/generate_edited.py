"""Generate the test prompts' pictures with culture neurons, or random ones, amplified, activated or masked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import binding, pictures, pins, splits, strength, towers
from culturebench.errors import CultureBenchError
from culturebench.interventions.bound import load_culture
from culturebench.interventions.conditions import CAPTION_OF, CONDITIONS, kind_of
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.generate import Generate
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.stage import Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.prompts import CAPTIONS, make_pictures, select_prompts
from culturebench.text_to_image.systems import edited_tower, open_sampler

COLUMNS = ("picture_id", "region", "subdivision", "metadata", *CAPTIONS)
STRENGTH_OF = {"amplified": "amplify", "activated": "activate"}


def run(
    params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, model: str, condition: str
) -> None:
    """Generate one edited condition's pictures of one model."""
    if condition not in CONDITIONS:
        raise CultureBenchError(f"conditions.edited has {condition!r}; generate_edited makes: {', '.join(CONDITIONS)}")
    chosen = choose(params.models, model)
    numbers: Generate = params.generate
    how: Sampler = params.sampler
    kind = kind_of(condition)
    amount = _strength(inputs["strength"], kind)
    culture = load_culture(inputs["bound"], edited_tower(chosen))
    test = splits.TABLE.load_all(inputs["test"], params.regions, COLUMNS)
    made = make_pictures(
        open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine),
        select_prompts(test, list(params.regions), numbers.prompts_per_region),
        CAPTION_OF[kind],
        numbers.seeds,
        how.batch_size,
        condition=condition,
        strength=amount,
        intervene=lambda region, draw: culture.intervention(condition, amount, region, draw),
    )
    pictures.TABLE.save(outputs["pictures"], made)


def _strength(path: Path, kind: str) -> float:
    """The tuned lambda; a mask has none."""
    return float(strength.load(path)[STRENGTH_OF[kind]]["strength"]) if kind in STRENGTH_OF else 0.0


STAGE = Stage(
    name="generate_edited",
    run=run,
    identities=("model", "condition"),
    sections=(Engine, Generate, Models, Regions, Sampler),
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "strength": strength.PATH,
        "test": splits.TEST,
    },
    outputs={"pictures": pictures.PATH},
)

if __name__ == "__main__":
    STAGE.main()
