"""Ask one judge about real test pictures, in the same words as people are asked, and compare it with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culturebench.annotation.choices import read_choices
from culturebench.annotation.matches import read_matches
from culturebench.artifacts import answers, pins, reliability, splits
from culturebench.artifacts.answers import AnswerRow
from culturebench.artifacts.reliability import Reliability
from culturebench.artifacts.splits import SplitRow
from culturebench.images.decode import decode
from culturebench.judging.asking import Answering, Filed, answer_rows, open_judge
from culturebench.judging.base import PictureQuestion, Question
from culturebench.measures.statistics import Bootstrap
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.judge_reliability import Form, JudgeReliability
from culturebench.params.judges import Judges
from culturebench.params.regions import Regions
from culturebench.png import to_png
from culturebench.reliability.compare import compare
from culturebench.reliability.matching import by_region, given, matchings, scripted_matches
from culturebench.reliability.questions import choices_of, scripted_answers, select
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store

COLUMNS = ("picture_id", "region", "group", "scene", "image")
PEOPLE = "annotations/answers.jsonl"
MATCHES = "annotations/matches.jsonl"
#: Form -> what its answers are filed under.
CONDITIONS: dict[Form, str] = {"regions": "real", "pictures": "real_pictures"}


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    engine: Engine
    judge_reliability: JudgeReliability
    judges: Judges
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, judge: str) -> None:
    """Put the same questions to the judge that people get, and write its answers and the comparison."""
    numbers = params.judge_reliability
    judging = open_judge(choose(params.judges, judge), inputs["judge"], params.engine, Store(store_url()), secret)
    rows = splits.TABLE.load_all(inputs["test"], list(params.regions), COLUMNS)
    ask = {"regions": _one_picture, "pictures": _several_pictures}
    found: dict[str, Reliability] = {}
    answered: list[AnswerRow] = []
    for form in numbers.forms:
        own, found[form] = ask[form](judging, rows, params, inputs)
        answered += own
    answers.TABLE.save(outputs["answers"], answered)
    reliability.save(outputs["reliability"], found)


def _one_picture(
    judging: Answering, rows: Sequence[SplitRow], params: Params, inputs: Paths
) -> tuple[list[AnswerRow], Reliability]:
    """Which of a few regions a picture is of."""
    numbers, regions = params.judge_reliability, list(params.regions)
    chosen = select(rows, regions, numbers.pictures_per_region)
    options = [choices_of(row, regions, numbers.choices, numbers.seed) for row in chosen]
    questions = [Question(_png(row), shown) for row, shown in zip(chosen, options, strict=True)]
    filed = [_filed(row["picture_id"], row["region"], "regions") for row in chosen]
    answered = answer_rows(filed, questions, judging(questions))
    people = read_choices(inputs["people"])
    people += [choice for row, shown in zip(chosen, options, strict=True) for choice in scripted_answers(row, shown)]
    return answered, compare(answered, people, _bootstrap(numbers))


def _several_pictures(
    judging: Answering, rows: Sequence[SplitRow], params: Params, inputs: Paths
) -> tuple[list[AnswerRow], Reliability]:
    """Which of a few pictures is of the region named."""
    numbers, by_id = params.judge_reliability, {row["picture_id"]: row for row in rows}
    asked = matchings(rows, list(params.regions), numbers.pictures_per_region, numbers.choices, numbers.seed)
    images = {name: _png(by_id[name]) for name in {name for one in asked for name in one.pictures}}
    questions = [
        PictureQuestion(tuple(images[name] for name in one.pictures), list(one.pictures), one.region) for one in asked
    ]
    filed = [_filed(one.question_id, one.region, "pictures") for one in asked]
    regions = {name: row["region"] for name, row in by_id.items()}
    answered = by_region(answer_rows(filed, questions, judging(questions)), regions)
    scenes = {name: row["scene"] for name, row in by_id.items()}
    matches = read_matches(inputs["matches"])
    matches += [match for one in asked for match in scripted_matches(one, scenes)]
    people, others = given(matches, asked, regions)
    found = compare(answered, people, _bootstrap(numbers), project="matches")
    return answered, {**found, "other_options": others}


def _filed(name: str, region: str, form: Form) -> Filed:
    return {"prompt_id": name, "region": region, "condition": CONDITIONS[form], "seed": 0}


def _png(row: SplitRow) -> bytes:
    return to_png(decode(row["image"]))


def _bootstrap(numbers: JudgeReliability) -> Bootstrap:
    return Bootstrap(numbers.resamples, numbers.seed, numbers.level)


STAGE = Stage(
    name="judge_reliability",
    run=run,
    identities=("judge",),
    params=Params,
    inputs={"judge": pins.JUDGE, "test": splits.TEST, "people": PEOPLE, "matches": MATCHES},
    outputs={"answers": answers.REAL_PATH, "reliability": reliability.PATH},
)

if __name__ == "__main__":
    STAGE.main()
