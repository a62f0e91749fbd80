"""Compare the selectors of culture neurons by what masking their neurons does, on the train split."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from statistics import fmean

from culturebench.artifacts import binding, comparison, layer_probe, pins, sae, selected, splits, towers
from culturebench.interventions.comparison import UNMASKED, Judged, Masks, Pick, compare, masked_pictures
from culturebench.judging.asking import ask, open_judge
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.right import right
from culturebench.measures.statistics import Bootstrap
from culturebench.params import choose
from culturebench.params.compare_selectors import CompareSelectors
from culturebench.params.engine import Engine
from culturebench.params.judges import Judges
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.probing.selectors import selectors
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store
from culturebench.text_to_image.prompts import COLUMNS, select_prompts
from culturebench.text_to_image.systems import edited_tower, open_sampler


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    compare_selectors: CompareSelectors
    engine: Engine
    judges: Judges
    models: Models
    regions: Regions
    sampler: Sampler


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Mask every selector's neurons of every drawn region on its own and others' prompts, and judge the pictures."""
    numbers = params.compare_selectors
    names = selectors(numbers.selectors, "params.yaml: compare_selectors.selectors")
    picks = [Pick(name, k) for k in numbers.k for name in names]
    chosen = choose(params.models, model)
    regions = numbers.drawn(list(params.regions))
    prompts = select_prompts(
        splits.TABLE.load_all(inputs["train"], regions, COLUMNS), regions, numbers.prompts_per_region
    )
    masks = _masks(inputs, edited_tower(chosen))
    store = Store(store_url())
    sampler = open_sampler(chosen, inputs["towers"], inputs["system"], params.sampler.steps, store, params.engine)

    # All pictures before all answers: on a cluster, the judge takes the place of the picture model.
    targets = numbers.targets(regions)
    made = masked_pictures(sampler, prompts, masks, picks, targets, numbers.seeds, params.sampler.batch_size)
    judge = open_judge(
        choose(params.judges, numbers.judge), inputs["judges"] / numbers.judge, params.engine, store, secret
    )
    answers = iter(ask(judge, [row for some in made.values() for row in some], list(params.regions), numbers.seed))
    scores = {key: right(islice(answers, len(some))) for key, some in made.items()}
    judged = Judged(
        region_of={row["prompt_id"]: row["region"] for row in prompts},
        plain=scores.pop(UNMASKED),
        masked=scores,
    )
    neurons = {
        pick: fmean(len(masks.neurons(pick, region, seed)) for region in regions for seed in masks.folders)
        for pick in picks
    }
    bootstrap = Bootstrap(numbers.resamples, numbers.seed, numbers.level)
    found = compare(judged, regions, bootstrap, SignFlip(numbers.permutations, numbers.seed), neurons)
    comparison.save(
        outputs["comparison"],
        {
            "judge": numbers.judge,
            "regions": regions,
            "prompts": len(prompts),
            "seeds": list(numbers.seeds),
            "unmasked": found.unmasked,
            "selectors": found.selectors,
            "matrix": found.matrix,
        },
    )


def _masks(inputs: Paths, tower: str) -> Masks:
    folder = binding.sae_folder(inputs["bound"], tower)
    return Masks(
        layer=layer_probe.load_layer(binding.layer_path(inputs["bound"], tower))["layer"],
        folders={seed: sae.seed_folder(folder, seed) for seed in sae.seeds(folder)},
        picked=selected.TABLE.load(inputs["selected"] / f"{tower}.parquet"),
    )


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """No selector compared."""
    nothing: comparison.Comparison = {
        "judge": params.compare_selectors.judge,
        "regions": [],
        "prompts": 0,
        "seeds": [],
        "unmasked": None,
        "selectors": {},
        "matrix": [],
    }
    comparison.save(outputs["comparison"], nothing)


STAGE = Stage(
    name="compare_selectors",
    run=run,
    aside=aside,
    identities=("model",),
    params=Params,
    inputs={
        "judges": pins.JUDGES,
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "selected": selected.BOUND,
        "train": splits.TRAIN,
    },
    outputs={"comparison": comparison.PATH},
)

if __name__ == "__main__":
    STAGE.main()
