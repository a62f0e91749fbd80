"""Gather the pins and encoders that a model is made of: any other then leaves its pictures as they are."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from culturebench.artifacts import pins, towers
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.models import Models
from culturebench.pins import pin_path
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    encoders: Encoders
    models: Models


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Copy the pins of the model's towers, its backbone and its bridge, and the towers' entries in params.yaml."""
    chosen = choose(params.models, model)
    entries = {name: choose(params.encoders, name) for name in chosen.towers}
    towers.save(outputs["towers"], {name: {**entry.reading, "pin": entry.pin} for name, entry in entries.items()})
    outputs["system"].mkdir(parents=True, exist_ok=True)
    bridge = [chosen.bridge] if chosen.bridge else []
    for name in (*(entry.pin for entry in entries.values()), chosen.pin, *bridge):
        shutil.copyfile(pin_path(inputs["pins"], name), pin_path(outputs["system"], name))


STAGE = Stage(
    name="bind_pins",
    run=run,
    identities=("model",),
    params=Params,
    inputs={"pins": pins.DIRECTORY},
    outputs={"system": pins.SYSTEM, "towers": towers.PATH},
)

if __name__ == "__main__":
    STAGE.main()
