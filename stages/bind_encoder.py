"""What a model takes over from its encoders; equal bytes here spare all that follows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import binding, directions, layer_probe, levels, neurons, sae, selected
from culturebench.errors import CultureBenchError
from culturebench.params import choose
from culturebench.params.models import Models
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    models: Models


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Copy layer, autoencoders and neurons of each probed tower; apart from them what needs only a part."""
    for folder in outputs.values():
        folder.mkdir(parents=True, exist_ok=True)  # a model without towers takes nothing over
    for tower in choose(params.models, model).towers:
        saes = inputs["sae"] / tower
        if not saes.is_dir():
            raise CultureBenchError(f"models.{model}.towers names {tower}, which was not probed; add it to `encoders`")
        layer = inputs["probe"] / tower / Path(layer_probe.LAYER_PATH).name
        if layer_probe.closed(layer):
            continue
        _copy(layer, binding.layer_path(outputs["bound"], tower))
        _copy(layer, outputs["layers"] / f"{tower}.json")
        _copy(inputs["selected"] / f"{tower}.parquet", outputs["selections"] / f"{tower}.parquet")
        _copy(inputs["neurons"] / f"{tower}.parquet", binding.neurons_path(outputs["bound"], tower))
        _copy(inputs["directions"] / f"{tower}.parquet", binding.directions_path(outputs["bound"], tower))
        _copy(inputs["levels"] / f"{tower}.parquet", binding.levels_path(outputs["bound"], tower))
        for seed in sae.seeds(saes):
            target = sae.seed_folder(binding.sae_folder(outputs["bound"], tower), seed)
            for file in sorted(sae.seed_folder(saes, seed).iterdir()):
                _copy(file, target / file.name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


STAGE = Stage(
    name="bind_encoder",
    run=run,
    identities=("model",),
    params=Params,
    inputs={
        "probe": layer_probe.DIRECTORY,
        "sae": sae.DIRECTORY,
        "neurons": str(Path(neurons.PATH).parent),
        "selected": selected.DIRECTORY,
        "directions": directions.DIRECTORY,
        "levels": levels.DIRECTORY,
    },
    outputs={"bound": binding.PATH, "layers": layer_probe.LAYERS, "selections": selected.BOUND},
)

if __name__ == "__main__":
    STAGE.main()
