"""Gather the pins that a model is made of: a pin of anything else then leaves its pictures as they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import pins
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.models import Models
from culturebench.pins import pin_path
from culturebench.stage import Stage


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, model: str) -> None:
    """Copy the pins of the model's towers, its backbone and its bridge."""
    chosen = choose(params.models, model)
    outputs["system"].mkdir(parents=True, exist_ok=True)
    towers = [choose(params.encoders, tower).pin for tower in chosen.towers]
    for name in (*towers, chosen.pin, *([chosen.bridge] if chosen.bridge else [])):
        shutil.copyfile(pin_path(inputs["pins"], name), pin_path(outputs["system"], name))


STAGE = Stage(
    name="bind_pins",
    run=run,
    identities=("model",),
    sections=(Encoders, Models),
    inputs={"pins": pins.DIRECTORY},
    outputs={"system": pins.SYSTEM},
)

if __name__ == "__main__":
    STAGE.main()
