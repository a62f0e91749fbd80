"""Ask one judge which culture every picture of one condition shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import answers, pictures, pins
from culturebench.judging.asking import ask, load_judge
from culturebench.params import choose
from culturebench.params.judge import Judge
from culturebench.params.judges import Judges
from culturebench.params.regions import Regions
from culturebench.pins import pin_path
from culturebench.stage import Stage

COLUMNS = ("prompt_id", "region", "condition", "seed", "image")


def run(
    params: SimpleNamespace,
    inputs: dict[str, Path],
    outputs: dict[str, Path],
    *,
    judge: str,
    model: str,
    condition: str,
) -> None:
    """Put CultureVQA to one judge for one condition's pictures."""
    chosen = choose(params.judges, judge)
    answering = load_judge(chosen.kind, pin_path(inputs["pins"], chosen.pin))
    made = pictures.TABLE.load(inputs["pictures"], COLUMNS)
    answers.TABLE.save(outputs["answers"], ask(answering, made, list(params.regions), params.judge.seed))


STAGE = Stage(
    name="judge",
    run=run,
    identities=("judge", "model", "condition"),
    sections=(Judge, Judges, Regions),
    inputs={"pins": pins.DIRECTORY, "pictures": pictures.PATH},
    outputs={"answers": answers.PATH},
)

if __name__ == "__main__":
    STAGE.main()
