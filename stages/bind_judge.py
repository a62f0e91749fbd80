"""Gather what a judge is made of: another judge's pin then leaves its answers as they are."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import labels, pins
from culturebench.params import choose
from culturebench.params.judges import Judges
from culturebench.params.regions import Regions
from culturebench.pins import pin_path
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    judges: Judges
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, judge: str) -> None:
    """Copy the pin of a judge that has weights, and write the names of the regions for one that reads."""
    chosen = choose(params.judges, judge)
    outputs["judge"].mkdir(parents=True, exist_ok=True)
    if chosen.kind != "openai":
        shutil.copyfile(pin_path(inputs["pins"], chosen.pin), pin_path(outputs["judge"], chosen.pin))
    if chosen.kind != "atlas":
        named = [labels.load(inputs["labels"] / f"{code}.json") for code in params.regions]
        path = outputs["judge"] / Path(labels.PATH).name
        labels.save(path, {code: name for one in named for code, name in one.items()})


STAGE = Stage(
    name="bind_judge",
    run=run,
    identities=("judge",),
    params=Params,
    inputs={"pins": pins.DIRECTORY, "labels": labels.DIRECTORY},
    outputs={"judge": pins.JUDGE},
)

if __name__ == "__main__":
    STAGE.main()
