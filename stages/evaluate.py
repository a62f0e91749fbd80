"""Turn answers and measurements into one table of values with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.artifacts import answers, evaluation, measured, pictures
from culturebench.evaluation.comparisons import comparison_rows
from culturebench.evaluation.names import TEST
from culturebench.evaluation.rows import Condition, condition_rows
from culturebench.evaluation.scores import regions_of, score_answers, score_measured
from culturebench.evaluation.summary import count_confusions, summarise
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.statistics import Bootstrap
from culturebench.params.conditions import Conditions
from culturebench.params.evaluate import Evaluate
from culturebench.params.judges import Judges
from culturebench.params.models import Models
from culturebench.params.ood import Ood
from culturebench.params.regions import Regions
from culturebench.stage import Stage

Row = dict[str, Any]
PICTURE_COLUMNS = ("prompt_id", "region", "language", "seed", "strength", "metadata")


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path]) -> None:
    """Score every model under every condition and write the rows, a summary and the confusion counts."""
    bootstrap = Bootstrap(params.evaluate.resamples, params.evaluate.seed, params.evaluate.level)
    test = SignFlip(params.evaluate.permutations, params.evaluate.seed)
    rows: list[Row] = []
    confusion: list[Row] = []
    everything = {TEST: params.conditions.all, **dict.fromkeys(params.ood.root, pictures.OOD_CONDITIONS)}
    for model, (prompts, names) in product(params.models.root, everything.items()):
        conditions: dict[str, Condition] = {}
        for name in names:
            replies = {judge: _load_answers(inputs, judge, model, prompts, name) for judge in params.judges.root}
            conditions[name] = _condition(params, inputs, model, prompts, name, replies)
            if prompts == TEST:
                for judge, found in replies.items():
                    confusion += count_confusions(model, name, judge, found)
        rows += condition_rows(conditions, evaluation.REFERENCE, evaluation.CONTROL, list(params.regions), bootstrap)
        rows += comparison_rows(conditions, evaluation.REFERENCE, evaluation.CONTROL, test)
    evaluation.save(outputs["evaluation"], rows)
    evaluation.save_summary(outputs["summary"], summarise(rows))
    evaluation.save_confusion(outputs["confusion"], confusion)


def _condition(
    params: SimpleNamespace,
    inputs: dict[str, Path],
    model: str,
    prompts: str,
    name: str,
    replies: dict[str, list[Row]],
) -> Condition:
    folder = inputs["pictures"] / _within(model, prompts)
    made = pictures.TABLE.load(folder / f"{name}.parquet", PICTURE_COLUMNS)
    languages = _languages(folder, params.conditions.pinned if prompts == TEST else pictures.OOD_CONDITIONS)
    scored = [
        one
        for judge, found in replies.items()
        for one in score_answers(judge, found, made, languages, answers.UNRECOGNIZABLE)
    ]
    if prompts == TEST:  # other captions have no reference picture
        scored += score_measured(measured.TABLE.load(inputs["measured"] / model / f"{name}.parquet"))
    strengths = {row["strength"] for row in made} - {0.0}
    return Condition(
        model=model,
        encoder="+".join(params.models.root[model].towers),
        name=name,
        strength=strengths.pop() if len(strengths) == 1 else None,
        regions=regions_of(made),
        seeds=tuple(sorted({row["seed"] for row in made})),
        scored=scored,
        answers={
            judge: {(row["prompt_id"], row["seed"]): row["answer"] for row in found} for judge, found in replies.items()
        },
        prompts=prompts,
    )


def _within(model: str, prompts: str) -> Path:
    """Where a model's files of these prompts lie in the folders of pictures and of each judge's answers."""
    return Path(model) if prompts == TEST else Path(model, prompts)


def _languages(folder: Path, pinned: Sequence[str]) -> dict[str, str]:
    """Region -> language, as the prompts in it have it; none where no condition has such prompts."""
    name = next((name for name in ("noun", "cultural") if name in pinned), None)
    if name is None:
        return {}
    rows = pictures.TABLE.load(folder / f"{name}.parquet", ("region", "language"))
    return {row["region"]: row["language"] for row in rows}


def _load_answers(inputs: dict[str, Path], judge: str, model: str, prompts: str, name: str) -> list[Row]:
    return answers.TABLE.load(inputs["answers"] / judge / _within(model, prompts) / f"{name}.parquet")


STAGE = Stage(
    name="evaluate",
    run=run,
    sections=(Conditions, Evaluate, Judges, Models, Ood, Regions),
    inputs={"pictures": pictures.DIRECTORY, "answers": answers.DIRECTORY, "measured": measured.DIRECTORY},
    outputs={
        "evaluation": evaluation.PATH,
        "summary": evaluation.SUMMARY_PATH,
        "confusion": evaluation.CONFUSION_PATH,
    },
)

if __name__ == "__main__":
    STAGE.main()
