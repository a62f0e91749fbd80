"""Gather the weights by whose features enhancers are trained, where params ask for a perceptual loss."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from culturebench.artifacts import pins
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.pins import pin_path
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    train_enhancer: TrainEnhancer


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Copy the pin of `train_enhancer.perceptual`; with another loss the folder stays empty, so no enhancer waits."""
    outputs["features"].mkdir(parents=True, exist_ok=True)
    if chosen := params.train_enhancer.features:
        shutil.copyfile(pin_path(inputs["pins"], chosen.pin), pin_path(outputs["features"], chosen.pin))


STAGE = Stage(
    name="bind_features",
    run=run,
    params=Params,
    inputs={"pins": pins.DIRECTORY},
    outputs={"features": pins.FEATURES},
)

if __name__ == "__main__":
    STAGE.main()
