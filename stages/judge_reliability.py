"""Ask one judge of real test pictures which of a few regions they are from, and compare it with people."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.annotation.choices import read_choices
from culturebench.artifacts import answers, pins, reliability, splits
from culturebench.images.decode import decode
from culturebench.judging.asking import Shown, open_judge, put
from culturebench.measures.statistics import Bootstrap
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.judge_reliability import JudgeReliability
from culturebench.params.judges import Judges
from culturebench.params.regions import Regions
from culturebench.png import to_png
from culturebench.reliability.compare import compare
from culturebench.reliability.questions import choices_of, scripted_answers, select
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store

COLUMNS = ("picture_id", "region", "scene", "image")
PEOPLE = "annotations/answers.jsonl"
CONDITION = "real"


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
    regions = list(params.regions)
    answering = open_judge(choose(params.judges, judge), inputs["judge"], params.engine, Store(store_url()), secret)
    chosen = select(splits.TABLE.load_all(inputs["test"], regions, COLUMNS), regions, numbers.pictures_per_region)
    options = [choices_of(row, regions, numbers.choices, numbers.seed) for row in chosen]
    rows: list[Shown] = [
        {
            "prompt_id": row["picture_id"],
            "region": row["region"],
            "condition": CONDITION,
            "seed": 0,
            "image": to_png(decode(row["image"])),
        }
        for row in chosen
    ]
    given = read_choices(inputs["people"])
    given += [choice for row, shown in zip(chosen, options, strict=True) for choice in scripted_answers(row, shown)]
    answered = put(answering, rows, options)
    bootstrap = Bootstrap(numbers.resamples, numbers.seed, numbers.level)
    answers.TABLE.save(outputs["answers"], answered)
    reliability.save(outputs["reliability"], compare(answered, given, bootstrap))


STAGE = Stage(
    name="judge_reliability",
    run=run,
    identities=("judge",),
    params=Params,
    inputs={"judge": pins.JUDGE, "test": splits.TEST, "people": PEOPLE},
    outputs={"answers": answers.REAL_PATH, "reliability": reliability.PATH},
)

if __name__ == "__main__":
    STAGE.main()
