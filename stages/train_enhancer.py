"""Train an enhancer of one model, at the marked layer or at a random one."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.artifacts import enhancer as enhancers, layer_probe, pins, splits
from culturebench.errors import CultureBenchError
from culturebench.interventions import enhancer
from culturebench.interventions.enhancer_training import EnhancerTraining, Pair
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.stage import Stage
from culturebench.text_to_image.denoising import Denoising
from culturebench.text_to_image.systems import edited_tower, load_pinned


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, model: str, site: str) -> None:
    """Train on the train split's noun captions and their pictures."""
    numbers: TrainEnhancer = params.train_enhancer
    chosen = choose(params.models, model)
    probed = layer_probe.load_layer(inputs["probe"] / edited_tower(chosen) / Path(layer_probe.LAYER_PATH).name)
    layer = layer_of(site, probed, numbers.seed)
    rows = splits.TABLE.load_all(inputs["train"], params.regions, ("picture_id", "noun", "image"))
    pairs = [Pair(row["noun"]["text"], row["image"]) for row in rows]
    if len(pairs) < numbers.log_pairs:
        raise CultureBenchError(
            f"the train split holds {len(pairs)} pictures, train_enhancer.log_pairs asks for {numbers.log_pairs}"
        )
    system: Any = load_pinned(chosen, params.encoders.root, inputs["system"], params.sampler.steps)
    training = EnhancerTraining(Denoising(system), layer, pairs, numbers)
    entries = training.train()
    enhancer.save(training.enhancer, outputs["enhancer"], layer=layer)
    enhancers.save_history(
        outputs["enhancer"],
        {
            "site": site,
            "layer": layer,
            "objective": numbers.objective,
            "loss_space": numbers.loss_space,
            "pairs": len(pairs),
            "entries": entries,
        },
    )


def layer_of(site: str, probed: dict[str, Any], seed: int) -> int:
    """The marked layer, or another one that the backbone sees, drawn with `seed`."""
    marked = int(probed["layer"])
    if site == "culture":
        return marked
    if site != "random":
        raise CultureBenchError(f"sites has {site!r}; train_enhancer knows culture and random")
    others = [layer for layer in range(int(probed["last_upstream_layer"]) + 1) if layer != marked]
    if not others:
        raise CultureBenchError("the encoder has a single layer that its backbone sees; take `random` off `sites`")
    return random.Random(seed).choice(others)


STAGE = Stage(
    name="train_enhancer",
    run=run,
    identities=("model", "site"),
    sections=(Encoders, Models, Regions, Sampler, TrainEnhancer),
    inputs={"system": pins.SYSTEM, "probe": layer_probe.DIRECTORY, "train": splits.TRAIN},
    outputs={"enhancer": enhancers.PATH},
)

if __name__ == "__main__":
    STAGE.main()
