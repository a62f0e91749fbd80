"""Ask one judge which culture every picture of one condition shows."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.artifacts import answers, pictures, pins
from culturebench.judging.asking import ask, open_judge
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.judge import Judge
from culturebench.params.judges import Judges
from culturebench.params.regions import Regions
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store

COLUMNS = ("prompt_id", "region", "condition", "seed", "image")


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    engine: Engine
    judge: Judge
    judges: Judges
    regions: Regions


def run(
    params: Params,
    inputs: Paths,
    outputs: Paths,
    *,
    judge: str,
    model: str,
    condition: str,
) -> None:
    """Put CultureVQA to one judge for one condition's pictures of every set of prompts."""
    chosen = choose(params.judges, judge)
    anglo = params.judge.anglo
    answering = open_judge(chosen, inputs["judge"], params.engine, Store(store_url()), secret, anglo)
    for file in sorted(inputs["pictures"].iterdir()):
        made = pictures.TABLE.load(file, COLUMNS)
        asked = ask(answering, made, list(params.regions), params.judge.seed, anglo=anglo is not None)
        answers.TABLE.save(outputs["answers"] / file.name, asked)


STAGE = Stage(
    name="judge",
    run=run,
    identities=("judge", "model", "condition"),
    params=Params,
    inputs={"judge": pins.JUDGE, "pictures": pictures.FOLDER},
    outputs={"answers": answers.FOLDER},
)

if __name__ == "__main__":
    STAGE.main()
