"""Gather what the measures are made of, and say where a scorer judges its own work."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import circular, labels, pins
from culturebench.measures.circular import warning
from culturebench.measures.records import SCORERS
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.measure import Measure
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.pins import pin_path
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    encoders: Encoders
    measure: Measure
    models: Models
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Copy the measures' pins and, where CSS is asked for, the names of the regions; warn of circular choices."""
    outputs["measures"].mkdir(parents=True, exist_ok=True)
    for _, name in params.measure.pins():
        pins.save(pin_path(outputs["measures"], name), pins.load(pin_path(inputs["pins"], name)))
    if params.measure.cultural_similarity:
        named = [labels.load(inputs["labels"] / f"{code}.json") for code in params.regions]
        path = outputs["measures"] / Path(labels.MEASURES_PATH).name
        labels.save(path, {code: name for one in named for code, name in one.items()})
    found = {model: _warnings(params, inputs["pins"], model) for model in params.models.root}
    for sentence in (one for several in found.values() for one in several.values()):
        print(f"warning: {sentence}", file=sys.stderr)
    circular.save(outputs["circular"], found)


def _warnings(params: Params, folder: Path, model: str) -> dict[str, str]:
    """Measure -> what makes it circular for this model."""
    towers = {
        name: pins.load(pin_path(folder, choose(params.encoders, name).pin))
        for name in choose(params.models, model).towers
    }
    found: dict[str, str] = {}
    for key, name in params.measure.pins():
        measure = key.partition(".")[0]
        if SCORERS[measure].circular:
            sentence = warning(measure, pins.load(pin_path(folder, name)), model, towers)
            found |= {measure: sentence} if sentence else {}
    return found


STAGE = Stage(
    name="bind_measures",
    run=run,
    params=Params,
    inputs={"pins": pins.DIRECTORY, "labels": labels.DIRECTORY},
    outputs={"measures": pins.MEASURES, "circular": circular.PATH},
)

if __name__ == "__main__":
    STAGE.main()
