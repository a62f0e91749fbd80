"""Write the names, sizes and sha256 of a pin's files; everything downstream depends on that file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import pins
from culturebench.params import choose
from culturebench.params.pins import Pins
from culturebench.pins import pin_folder, pin_repository
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    pins: Pins


def run(params: Params, inputs: Paths, outputs: Paths, *, pin: str) -> None:
    """Pin the weights that `pins.<pin>` names."""
    source = choose(params.pins, pin)
    folder = Path(source.folder)
    if source.repo and source.commit:
        pins.save(outputs["pin"], pin_repository(pin, folder, source.repo, source.commit))
    else:
        pins.save(outputs["pin"], pin_folder(pin, folder))


STAGE = Stage(name="pin_model", run=run, identities=("pin",), params=Params, outputs={"pin": pins.PATH})

if __name__ == "__main__":
    STAGE.main()
