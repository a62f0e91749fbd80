"""Say what people saw in the generated pictures: each condition beside the noun prompt, and how far people agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culturebench.annotation.study import FOLDER, Consent, StudyAnswer, read_answers, read_consent, read_seats
from culturebench.artifacts import answers, study, study_tasks
from culturebench.artifacts.study import Study as Result
from culturebench.artifacts.study_tasks import TaskRow
from culturebench.evaluation.names import TEST
from culturebench.measures.two_way import TwoWay
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.study import Scripted, Study, StudyPlan
from culturebench.stage import Paths, Stage
from culturebench.study import scripted
from culturebench.study.analysis import analyse
from culturebench.study.given import Given, given, participants

ANSWER_COLUMNS = ("prompt_id", "seed", "answer")
NOBODY = "nobody has answered; run `culturebench annotate push --project study`"


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    models: Models
    regions: Regions
    study: Study


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Read tasks and answers, and write everybody's result and that without those whom the rule leaves out."""
    plan = params.study.root
    model = plan.chosen(params.models.root) if plan else None
    tasks = study_tasks.TABLE.load(inputs["tasks"])
    if plan is None or model is None or not tasks:
        study.save(outputs["result"], {})
        return
    drawn = params.models.root[model].adapter == "atlas"
    found = _given(tasks, inputs)
    if plan.scripted and drawn:
        found = _scripted(plan, plan.scripted, model, tasks, list(params.regions), inputs)
    study.save(outputs["result"], _result(plan, model, found, is_scripted=bool(plan.scripted and drawn)))


def _given(tasks: Sequence[TaskRow], inputs: Paths) -> Given:
    folder = inputs["people"]
    return given(tasks, read_answers(folder), read_seats(folder), read_consent(folder))


def _scripted(
    plan: StudyPlan, numbers: Scripted, model: str, tasks: Sequence[TaskRow], regions: list[str], inputs: Paths
) -> Given:
    """What the scripts of a drawn world say, who see in a generated picture what the judge named."""
    folder = inputs["answers"] / numbers.judge / model
    named = {
        (name, row["prompt_id"], row["seed"]): row["answer"]
        for name in plan.conditions
        for row in answers.TABLE.load(folder / name / f"{TEST}.parquet", ANSWER_COLUMNS)
    }
    blocks = sorted({row["block"] for row in tasks})
    said: dict[str, list[StudyAnswer]] = {block: [] for block in blocks}
    seats: dict[str, str] = {}
    consent: dict[str, Consent] = {}
    for one in scripted.scripts(plan.blocks * plan.people, numbers.clickers):
        block = seats[one.name] = scripted.seat(one, blocks)
        consent[one.name] = scripted.consent(one, regions)
        own = [row for row in tasks if row["block"] == block]
        said[block] += scripted.answers(one, own, regions, lambda name, prompt, seed: named[name, prompt, seed])
    return given(tasks, said, seats, consent)


def _result(plan: StudyPlan, model: str, found: Given, *, is_scripted: bool) -> Result:
    people = participants(found, plan.max_gold_wrong)
    kept = {name for name, one in people.items() if not one["left_out"]}
    numbers = TwoWay(plan.resamples, plan.seed, plan.level)
    return {
        "model": model,
        "conditions": list(plan.conditions),
        "planned": plan.blocks * plan.people,
        "max_gold_wrong": plan.max_gold_wrong,
        "level": plan.level,
        "scripted": is_scripted,
        "reason": "" if people else NOBODY,
        "participants": people,
        "set_aside": dict(found.set_aside),
        "everyone": analyse(found, set(people), plan.conditions, numbers),
        "by_rule": analyse(found, kept, plan.conditions, numbers),
    }


STAGE = Stage(
    name="study",
    run=run,
    params=Params,
    inputs={"tasks": study_tasks.PATH, "people": FOLDER, "answers": answers.DIRECTORY},
    outputs={"result": study.PATH},
)

if __name__ == "__main__":
    STAGE.main()
