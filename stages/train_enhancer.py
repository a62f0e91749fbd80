"""Train an enhancer of one model: at the marked layer, there on other regions' pictures, or at another layer."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from culturebench.artifacts import enhancer as enhancers, layer_probe, pins, splits, towers
from culturebench.errors import CultureBenchError
from culturebench.interventions import enhancer
from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.enhancer_training import EnhancerTraining
from culturebench.interventions.perceptual import open_distance
from culturebench.interventions.training import Pair
from culturebench.numerics import kind
from culturebench.params import choose
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.pins import fingerprint, pin_path, verified_folder
from culturebench.planning.training import training_forecast
from culturebench.png import from_png
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.denoising import denoising_of
from culturebench.text_to_image.runtime import kind_of
from culturebench.text_to_image.systems import edited_tower, identity_of, load_pinned, load_towers

#: Code of ours that decides what a training gives, beside the system's.
CODE = (
    "interventions/checkpoints.py",
    "interventions/enhancer_training.py",
    "interventions/perceptual.py",
    "interventions/references.py",
    "interventions/training.py",
    "probing/features.py",
    "text_to_image/denoising.py",
    "text_to_image/noise.py",
    "text_to_image/pipeline_denoising.py",
)


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    models: Models
    regions: Regions
    sampler: Sampler
    train_enhancer: TrainEnhancer


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str, site: str) -> None:
    """Train on the train split's noun captions and their pictures."""
    numbers = params.train_enhancer
    chosen = choose(params.models, model)
    probed = layer_probe.load_layer(inputs["layers"] / f"{edited_tower(chosen)}.json")
    layer = layer_of(site, probed, numbers.seed)
    rows = splits.TABLE.load_all(inputs["train"], params.regions, ("picture_id", "region", "noun", "image"))
    pairs = [Pair(row["noun"]["text"], row["image"]) for row in rows]
    if site == "shuffled":
        pairs = shuffled(pairs, [row["region"] for row in rows])
    if len(pairs) < numbers.log_pairs:
        raise CultureBenchError(
            f"the train split holds {len(pairs)} pictures, train_enhancer.log_pairs asks for {numbers.log_pairs}"
        )
    encoders, steps = load_towers(inputs["towers"]), params.sampler.steps
    system: Any = load_pinned(chosen, encoders, inputs["system"], steps)
    task = denoising_of(system)
    print(training_forecast(task, layer, pairs[0].prompt, numbers), file=sys.stderr)
    identity = {
        "system": identity_of(chosen, encoders, inputs["system"], steps, CODE),
        "tower": edited_tower(chosen),
        "layer": layer,
        "pairs": _digest(pairs),
        "processor": kind(),
        "numbers": numbers.model_dump(mode="json", exclude={"checkpoint_every"}),
    }
    distance = None
    if features := numbers.features:
        pin = pin_path(inputs["features"], features.pin)
        identity["features"] = fingerprint(pin)
        place = task.pixels([from_png(pairs[0].image)]).device
        distance = open_distance(verified_folder(pin), features, place)
    checkpoints = Checkpoints(Store(store_url()), identity, numbers.checkpoint_every, numbers.steps)
    training = EnhancerTraining(task, layer, pairs, numbers, checkpoints, distance)
    entries = training.train()
    enhancer.save(training.enhancer, outputs["enhancer"], layer=layer)
    history: enhancers.History = {
        "made_on": kind_of(training.enhancer.gain.device),
        "site": site,
        "layer": layer,
        "objective": numbers.objective,
        "loss_space": numbers.loss_space,
        "pairs": len(pairs),
        "entries": entries,
    }
    if len(chosen.towers) > 1:
        history["tower"] = edited_tower(chosen)
    enhancers.save_history(outputs["enhancer"], history)


def _digest(pairs: Sequence[Pair]) -> str:
    whole = hashlib.sha256()
    for pair in pairs:
        whole.update(hashlib.sha256(pair.prompt.encode()).digest() + hashlib.sha256(pair.image).digest())
    return whole.hexdigest()


def shuffled(pairs: Sequence[Pair], regions: Sequence[str]) -> list[Pair]:
    """Every prompt with the reference picture of another region's; each picture is used once.

    `regions` are those of the pairs, which stand together by region. `CultureBenchError` where one region has more
    than half of all pairs, so that some would keep their own region's.
    """
    most = max(regions.count(region) for region in set(regions))
    if 2 * most > len(pairs):
        raise CultureBenchError(
            "one region has more than half of the train pictures, so references cannot all come from other regions; "
            "take `shuffled` off `sites`, or add to `regions`"
        )
    return [Pair(pair.prompt, pairs[(place + most) % len(pairs)].image) for place, pair in enumerate(pairs)]


def layer_of(site: str, probed: layer_probe.Layer, seed: int) -> int:
    """The marked layer, or another one that the backbone sees, drawn with `seed`."""
    marked = probed["layer"]
    if site in ("culture", "shuffled"):
        return marked
    if site != "other_layer":
        raise CultureBenchError(f"sites has {site!r}; train_enhancer knows culture, shuffled and other_layer")
    others = [layer for layer in range(probed["last_upstream_layer"] + 1) if layer != marked]
    if not others:
        raise CultureBenchError("the encoder has a single layer that its backbone sees; take `other_layer` off `sites`")
    return random.Random(seed).choice(others)


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str, site: str) -> None:
    """No enhancer."""
    outputs["enhancer"].mkdir(exist_ok=True)


STAGE = Stage(
    name="train_enhancer",
    run=run,
    aside=aside,
    identities=("model", "site"),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "features": pins.FEATURES,
        "layers": layer_probe.LAYERS,
        "train": splits.TRAIN,
    },
    outputs={"enhancer": enhancers.PATH},
)

if __name__ == "__main__":
    STAGE.main()
