"""Plan the study with people: the tasks of every block, and the pictures as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from culturebench.artifacts import annotated, pictures, splits, study_tasks
from culturebench.artifacts.study_tasks import TaskRow
from culturebench.evaluation.names import TEST
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.study import Study, StudyPlan
from culturebench.stage import Paths, Stage
from culturebench.study.draws import StudyError
from culturebench.study.material import Material, material
from culturebench.study.plan import Planned, plan_tasks

PICTURE_COLUMNS = ("prompt_id", "region", "seed", "image")
TEST_COLUMNS = ("picture_id", "region", "image")


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    models: Models
    regions: Regions
    study: Study


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Write tasks and pictures; no rows where there is no study, or too little for one with scripts."""
    plan = params.study.root
    rows: Sequence[TaskRow] = []
    shown: Mapping[str, bytes] = {}
    model = plan.chosen(params.models.root) if plan else None
    planned = _planned(plan, list(params.regions), inputs, model) if plan and model else None
    if plan and planned:
        rows, shown = planned.tasks, planned.pictures
        people = plan.blocks * plan.people
        print(f"{plan.blocks} blocks, {people} people, {len(rows) // plan.blocks} tasks for each of them")
        if planned.left_out:
            print(f"{planned.left_out} prompts are left out: each block shows every condition equally often")
    study_tasks.TABLE.save(outputs["tasks"], rows)
    study_tasks.SHOWN.save(outputs["shown"], ({"picture": name, "image": image} for name, image in shown.items()))


def _planned(plan: StudyPlan, regions: list[str], inputs: Paths, model: str) -> Planned | None:
    """None where scripts were to answer and there is too little to show: that stops nobody's run."""
    try:
        return plan_tasks(plan, _material(plan, regions, inputs, model))
    except StudyError as error:
        if plan.scripted is None:
            raise
        print(f"there is no study with scripted participants: {error}")
        return None


def _material(plan: StudyPlan, regions: list[str], inputs: Paths, model: str) -> Material:
    folder = inputs["pictures"] / model
    made = {name: pictures.TABLE.load(folder / name / f"{TEST}.parquet", PICTURE_COLUMNS) for name in plan.conditions}
    return material(
        plan,
        regions,
        made,
        splits.TABLE.load_all(inputs["test"], regions, TEST_COLUMNS),
        annotated.TABLE.load_all(inputs["annotated"], regions, ("picture_id", "decisions", "provisional")),
    )


STAGE = Stage(
    name="plan_study",
    run=run,
    params=Params,
    inputs={"pictures": pictures.DIRECTORY, "test": splits.TEST, "annotated": annotated.DIRECTORY},
    outputs={"tasks": study_tasks.PATH, "shown": study_tasks.SHOWN_PATH},
)

if __name__ == "__main__":
    STAGE.main()
