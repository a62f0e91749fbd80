"""Ask one judge which culture the pictures of captions from outside of the benchmark show."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import answers, pictures, pins
from culturebench.judging.asking import ask, open_judge
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.judge import Judge
from culturebench.params.judges import Judges
from culturebench.params.regions import Regions
from culturebench.stage import Stage, secret, store_url
from culturebench.store import Store

COLUMNS = ("prompt_id", "region", "condition", "seed", "image")


def run(
    params: SimpleNamespace,
    inputs: dict[str, Path],
    outputs: dict[str, Path],
    *,
    prompts: str,
    judge: str,
    model: str,
    condition: str,
) -> None:
    """Put CultureVQA to one judge for one condition's pictures of a set of captions."""
    answering = open_judge(choose(params.judges, judge), inputs["judge"], params.engine, Store(store_url()), secret)
    made = pictures.TABLE.load(inputs["pictures"], COLUMNS)
    answers.TABLE.save(outputs["answers"], ask(answering, made, list(params.regions), params.judge.seed))


STAGE = Stage(
    name="judge_ood",
    run=run,
    identities=("prompts", "judge", "model", "condition"),
    sections=(Engine, Judge, Judges, Regions),
    inputs={"judge": pins.JUDGE, "pictures": pictures.OOD_PATH},
    outputs={"answers": answers.OOD_PATH},
)

if __name__ == "__main__":
    STAGE.main()
