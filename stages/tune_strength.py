"""Choose how strongly culture neurons are amplified and activated, on the train split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.artifacts import binding, pins, splits, strength, towers
from culturebench.artifacts.strength import Dose, Tuned
from culturebench.conditions import CONDITIONS, EDITS, Condition, Edit, condition
from culturebench.interventions.culture_edits import CultureNeurons, pools, size_of
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.strength import RULE, Point, describe, dose, mark_allowed, score
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
from culturebench.text_to_image.base import Intervention
from culturebench.text_to_image.pictures import make_pictures
from culturebench.text_to_image.prompts import COLUMNS, select_prompts, text_of
from culturebench.text_to_image.sampling import CachedSampler
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
    tuning = _Tuning(params, sampler, prompts, culture, judge)
    curves = {edit.name: tuning.curve(condition(edit.home), numbers.grid(edit.name)) for edit in EDITS if edit.tuned}
    edited = [one for one in CONDITIONS if one.edit and one.edit.part != "enhancer" and not one.few_layers]
    amounts = {one.name: curves[one.edit.name]["strength"] if one.edit.tuned else 0.0 for one in edited if one.edit}
    strength.save(
        outputs["strength"],
        {
            **curves,
            "judge": numbers.judge,
            "rule": RULE.format(share=numbers.alignment_share),
            "seeds": list(numbers.seeds),
            "prompts": len(prompts),
            "sizes": {one.name: tuning.size(one, amounts[one.name]) for one in edited},
            "undrawn": {one.name: found for one in edited if (found := culture.undrawn(one, amounts[one.name]))},
            "pools": pools(culture.table, sorted(culture.folders)),
            "dose": {edit.name: tuning.doses(edit) for edit in EDITS if edit.tuned},
        },
    )


@dataclass(frozen=True)
class _Tuning:
    """What every lambda is tried on."""

    params: Params
    sampler: CachedSampler
    prompts: list[PromptRow]
    culture: CultureNeurons
    judge: Answering

    def curve(self, record: Condition, grid: Sequence[float]) -> Tuned:
        """Every lambda of an edit, and the choice among them."""
        points = self._points(record, grid, self.prompts, self.params.tune_strength.seeds)
        return describe(mark_allowed(points, self.params.tune_strength.alignment_share))

    def doses(self, edit: Edit) -> list[Dose]:
        """Some lambdas of an edit's controls, with the first seed alone."""
        numbers, home = self.params.tune_strength, condition(edit.home)
        found: list[Dose] = []
        for record in map(condition, home.control_names):
            if record.control is None or record.control.name not in numbers.dose.controls:
                continue
            missing = self.culture.undrawn(record, numbers.grid(edit.name)[-1])
            some = [row for row in self._few() if row["region"] not in missing]
            points = self._points(record, numbers.dose.of(numbers.grid(edit.name)), some, numbers.seeds[:1])
            found += [dose(record.name, point) for point in points if some]
        return found

    def size(self, record: Condition, amount: float) -> float | None:
        """The mean size of an edit, on the prompts of the dose-response."""
        texts = [(row["region"], row["prompt_id"], text_of(row, record.caption)) for row in self._few()]
        return size_of(self.culture, self.sampler.system, texts, record, amount)

    def _few(self) -> list[PromptRow]:
        count, regions = self.params.tune_strength.dose.prompts_per_region, list(self.params.regions)
        return [row for region in regions for row in [one for one in self.prompts if one["region"] == region][:count]]

    def _points(
        self, record: Condition, grid: Sequence[float], prompts: Sequence[PromptRow], seeds: Sequence[int]
    ) -> list[Point]:
        numbers = self.params.tune_strength
        bootstrap = Bootstrap(numbers.resamples, numbers.seed, numbers.level)
        made: dict[float, list[PictureRow]] = {}
        for amount in grid if prompts else ():

            def intervene(row: PromptRow, draw: int, amount: float = amount) -> Intervention | None:
                return self.culture.intervention(record, amount, row["region"], draw, row["prompt_id"])

            made[amount] = make_pictures(
                self.sampler, prompts, record.caption, seeds, self.params.sampler.batch_size,
                condition=f"{record.name} {amount:g}", strength=amount, intervene=intervene,
            )  # fmt: skip
        # All pictures before all answers: on a cluster, the judge takes the place of the picture model.
        regions = list(self.params.regions)
        return [
            score(amount, some, ask(self.judge, some, regions, numbers.seed), bootstrap, self.size(record, amount))
            for amount, some in made.items()
        ]


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """No strengths, and why."""
    strength.save(outputs["strength"], {"closed": choose(params.models, model).closed})


STAGE = Stage(
    name="tune_strength",
    run=run,
    aside=aside,
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
