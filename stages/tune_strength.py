"""Choose how strongly culture neurons are amplified and activated, on the train split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.artifacts import binding, pins, splits, strength, towers
from culturebench.artifacts.strength import Tuned
from culturebench.conditions import EDITS, Condition, condition
from culturebench.interventions.culture_edits import CultureNeurons, control_firing, control_mismatch
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.strength import RULE, describe, mark_allowed, score
from culturebench.judging.asking import Answering, ask, open_judge
from culturebench.measures.statistics import Bootstrap
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.judges import Judges
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.params.tune_strength import TuneStrength
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store
from culturebench.text_to_image.pictures import make_pictures
from culturebench.text_to_image.prompts import COLUMNS, select_prompts, text_of
from culturebench.text_to_image.sampling import CachedSampler, Intervention
from culturebench.text_to_image.systems import edited_tower, open_sampler

if TYPE_CHECKING:
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.artifacts.prompts import PromptRow


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    engine: Engine
    judges: Judges
    models: Models
    regions: Regions
    sampler: Sampler
    tune_strength: TuneStrength


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Generate every lambda's pictures of some train prompts, judge them, and choose."""
    numbers = params.tune_strength
    chosen = choose(params.models, model)
    named = choose(params.judges, numbers.judge)
    store = Store(store_url())
    judge = open_judge(named, inputs["judges"] / numbers.judge, params.engine, store, secret)
    train = splits.TABLE.load_all(inputs["train"], params.regions, COLUMNS)
    prompts = select_prompts(train, list(params.regions), numbers.prompts_per_region)
    culture = load_culture(inputs["bound"], edited_tower(chosen))
    sampler = open_sampler(chosen, inputs["towers"], inputs["system"], params.sampler.steps, store, params.engine)
    curves = {
        edit.name: _curve(params, sampler, prompts, culture, judge, condition(edit.home), numbers.grid(edit.name))
        for edit in EDITS
        if edit.tuned
    }
    controls = {
        "mismatch": _mismatch(sampler, prompts, culture, curves),
        "firing": control_firing(culture, list(params.regions)),
    }
    how = {"judge": numbers.judge, "rule": RULE.format(share=numbers.alignment_share)}
    strength.save(
        outputs["strength"],
        {**curves, **how, **controls, "seeds": list(numbers.seeds), "prompts": len(prompts)},
    )


def _curve(
    params: Params,
    sampler: CachedSampler,
    prompts: list[PromptRow],
    culture: CultureNeurons,
    judge: Answering,
    record: Condition,
    grid: tuple[float, ...],
) -> Tuned:
    numbers = params.tune_strength
    bootstrap = Bootstrap(numbers.resamples, numbers.seed, numbers.level)
    made: dict[float, list[PictureRow]] = {}
    for amount in grid:

        def intervene(region: str, draw: int, amount: float = amount) -> Intervention | None:
            return culture.intervention(record, amount, region, draw)

        made[amount] = make_pictures(
            sampler, prompts, record.caption, numbers.seeds, params.sampler.batch_size,
            condition=f"{record.name} {amount:g}", strength=amount, intervene=intervene,
        )  # fmt: skip
    # All pictures before all answers: on a cluster, the judge takes the place of the picture model.
    points = [
        score(amount, some, ask(judge, some, list(params.regions), numbers.seed), bootstrap)
        for amount, some in made.items()
    ]
    return describe(mark_allowed(points, numbers.alignment_share))


def _mismatch(
    sampler: CachedSampler, prompts: list[PromptRow], culture: CultureNeurons, curves: dict[str, Tuned]
) -> dict[str, float | None]:
    """How far each control of neurons misses its edit's norm at the chosen strength, on the same prompts."""
    strengths = {edit.home: curves[edit.name]["strength"] if edit.tuned else 0.0 for edit in EDITS}
    homes = [condition(edit.home) for edit in EDITS if edit.part == "neurons"]
    return {
        control.name: control_mismatch(
            culture,
            sampler.system,
            [(row["region"], text_of(row, home.caption)) for row in prompts],
            control,
            strengths[home.name],
        )
        for home in homes
        for control in map(condition, home.control_names)
    }


STAGE = Stage(
    name="tune_strength",
    run=run,
    identities=("model",),
    params=Params,
    inputs={
        "judges": pins.JUDGES,
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "train": splits.TRAIN,
    },
    outputs={"strength": strength.PATH},
)

if __name__ == "__main__":
    STAGE.main()
