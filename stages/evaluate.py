"""Turn answers and measurements into one table of values with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from culturebench.artifacts import annotated, answers, evaluation, groups, measured, pictures
from culturebench.artifacts.answers import AnswerRow
from culturebench.artifacts.evaluation import ConfusionRow, EvaluationRow
from culturebench.artifacts.groups import GroupRow
from culturebench.artifacts.pictures import PictureRow
from culturebench.conditions import in_order
from culturebench.evaluation.comparisons import corrected
from culturebench.evaluation.groups import group_rows, groups_of
from culturebench.evaluation.names import TEST
from culturebench.evaluation.scores import regions_of, same_words, score_answers, score_measured
from culturebench.evaluation.summary import count_confusions, summarise
from culturebench.evaluation.table import Made, Tests, table_rows, with_pooled
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.statistics import Bootstrap
from culturebench.params.conditions import Conditions
from culturebench.params.evaluate import Evaluate
from culturebench.params.judges import Judges
from culturebench.params.models import Models
from culturebench.params.prompts import Prompts
from culturebench.params.regions import Regions
from culturebench.stage import Paths, Stage

PICTURE_COLUMNS = ("prompt_id", "region", "language", "subdivision", "seed", "strength", "object")
TOLD_COLUMNS = ("prompt_id", "region", "language", "prompt")


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    conditions: Conditions
    evaluate: Evaluate
    judges: Judges
    models: Models
    prompts: Prompts
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Score every model on every set of prompts and write the rows, a summary and the confusion counts."""
    bootstrap = Bootstrap(params.evaluate.resamples, params.evaluate.seed, params.evaluate.level)
    test = SignFlip(params.evaluate.permutations, params.evaluate.seed)
    rows: list[EvaluationRow] = []
    confusion: list[ConfusionRow] = []
    grouped: list[GroupRow] = []
    categories = annotated.categories(inputs["annotated"], list(params.regions))
    for model, prompts in product(params.models.root, params.prompts.root):
        conditions: dict[str, Made] = {}
        for name in in_order(params.conditions.all):
            replies = {judge: _load_answers(inputs, judge, prompts, model, name) for judge in params.judges.root}
            made = _made(params, inputs, model, prompts, name, replies)
            if made is None:
                continue
            conditions[name] = with_pooled(made)
            if prompts == TEST:
                for judge, found in replies.items():
                    confusion += count_confusions(model, name, judge, found)
        tests = Tests(corrected(conditions, test, "prompt"), corrected(conditions, test, "region"))
        rows += table_rows(conditions, tests, list(params.regions), bootstrap)
        if prompts == TEST:
            subdivisions = {name: one for made in conditions.values() for name, one in made.subdivisions.items()}
            regions = {name: one for made in conditions.values() for name, one in made.regions.items()}
            grouped += group_rows(conditions, groups_of(regions, subdivisions, categories), bootstrap)
    evaluation.save(outputs["evaluation"], rows)
    evaluation.save_summary(outputs["summary"], summarise(rows))
    evaluation.save_confusion(outputs["confusion"], confusion)
    groups.save(outputs["groups"], grouped)


def _made(
    params: Params,
    inputs: Paths,
    model: str,
    prompts: str,
    name: str,
    replies: dict[str, list[AnswerRow]],
) -> Made | None:
    """What a condition's pictures scored; None where no prompt has the caption that it starts from."""
    folder = inputs["pictures"] / model
    made = pictures.TABLE.load(folder / name / f"{prompts}.parquet", PICTURE_COLUMNS)
    if not made:
        return None
    told = _in_own_language(folder, params.conditions.pinned, prompts)
    languages = {row["region"]: row["language"] for row in told}
    scored = [
        one
        for judge, found in replies.items()
        for one in score_answers(judge, found, made, languages, answers.UNRECOGNIZABLE)
    ]
    if prompts == TEST:  # other captions have no reference picture
        scored += score_measured(measured.TABLE.load(inputs["measured"] / model / f"{name}.parquet"))
    strengths = {row["strength"] for row in made} - {0.0}
    return Made(
        model=model,
        encoder="+".join(params.models.root[model].towers),
        name=name,
        strength=strengths.pop() if len(strengths) == 1 else None,
        regions=regions_of(made),
        subdivisions={row["prompt_id"]: row["subdivision"] for row in made},
        seeds=tuple(sorted({row["seed"] for row in made})),
        scored=scored,
        answers={
            judge: {(row["prompt_id"], row["seed"]): row["answer"] for row in found} for judge, found in replies.items()
        },
        prompts=prompts,
        same=same_words(told),
    )


def _in_own_language(folder: Path, pinned: Collection[str], prompts: str) -> list[PictureRow]:
    """Pictures whose prompts are no English renderings, of the nouns if there are any; without their bytes."""
    for name in ("noun", "cultural"):
        if name in pinned:
            rows = pictures.TABLE.load(folder / name / f"{prompts}.parquet", TOLD_COLUMNS)
            if rows:
                return rows
    return []


def _load_answers(inputs: Paths, judge: str, prompts: str, model: str, name: str) -> list[AnswerRow]:
    return answers.TABLE.load(inputs["answers"] / judge / model / name / f"{prompts}.parquet")


STAGE = Stage(
    name="evaluate",
    run=run,
    params=Params,
    inputs={
        "pictures": pictures.DIRECTORY,
        "answers": answers.DIRECTORY,
        "measured": measured.DIRECTORY,
        "annotated": annotated.DIRECTORY,
    },
    outputs={
        "evaluation": evaluation.PATH,
        "summary": evaluation.SUMMARY_PATH,
        "confusion": evaluation.CONFUSION_PATH,
        "groups": groups.PATH,
    },
)

if __name__ == "__main__":
    STAGE.main()
