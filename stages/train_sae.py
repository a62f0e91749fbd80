"""Sparse autoencoders of the attention outputs at the marked layer, one a seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from culturebench.artifacts import layer_probe, pins, sae, splits
from culturebench.errors import CultureBenchError
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.regions import Regions
from culturebench.params.train_sae import TrainSae
from culturebench.pins import pin_path, verified_folder
from culturebench.probing import sae as probing_sae
from culturebench.probing.features import feature_batches, token_features
from culturebench.probing.train_sae import SaeTraining, quality, train
from culturebench.progress import progress
from culturebench.stage import Stage
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.loading import load_encoder

CAPTIONS = ("cultural", "noun", "cultural_en", "noun_en")


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, encoder: str) -> None:
    """Train on the train split's captions, and say how well the detect split's are described."""
    chosen: TrainSae = params.train_sae.of(encoder)
    source = choose(params.encoders, encoder)
    model = load_encoder(source, verified_folder(pin_path(inputs["pins"], source.pin)))
    layer = layer_probe.load_layer(inputs["layer"])["layer"]
    captions = _thinned(_texts(inputs["train"], params.regions), chosen.most_prompts)
    features = _features(model, layer, captions, chosen, "train captions")
    held_out = _features(model, layer, _texts(inputs["detect"], params.regions), chosen, "detect captions")

    metrics: dict[str, Any] = {}
    for seed in chosen.seeds:

        def watch(steps: range, seed: int = seed) -> Iterable[int]:
            return progress(steps, len(steps), f"autoencoder, seed {seed}")

        trained = train(features, _settings(chosen, features.shape[1]), seed, watch)
        probing_sae.save(trained, sae.seed_folder(outputs["sae"], seed))
        metrics[str(seed)] = asdict(quality(trained, held_out))
    sae.save_metrics(
        outputs["sae"],
        {"layer": layer, "train_tokens": len(features), "detect_tokens": len(held_out), "seeds": metrics},
    )


def _settings(chosen: TrainSae, d: int) -> SaeTraining:
    return SaeTraining(
        latents=chosen.expansion * d,
        k=chosen.k,
        steps=chosen.steps,
        batch=chosen.batch_size,
        learning_rate=chosen.learning_rate,
        aux_coefficient=chosen.aux_coefficient,
        aux_k=chosen.aux_k or max(d // 2, 1),
        dead_after=chosen.dead_after,
    )


def _texts(folder: Path, regions: Iterable[str]) -> list[str]:
    """Every different caption once, in a fixed order."""
    rows = splits.TABLE.load_all(folder, regions, CAPTIONS)
    texts = {row[name]["text"] for row in rows for name in CAPTIONS if row[name] is not None}
    if not texts:
        raise CultureBenchError(f"{folder} holds no captions; look at reports/metrics/data.json for the drops")
    return sorted(texts, key=lambda text: (len(text), text))  # alike lengths together: little padding


def _thinned(texts: list[str], most: int) -> list[str]:
    """At most `most` of the texts, evenly over their order."""
    return texts if len(texts) <= most else [texts[i * len(texts) // most] for i in range(most)]


def _features(model: TextEncoder, layer: int, texts: list[str], chosen: TrainSae, label: str) -> Tensor:
    size = chosen.prompts_at_once
    batches = feature_batches(model, layer, texts, size)
    return token_features(progress(batches, -(-len(texts) // size), label))


STAGE = Stage(
    name="train_sae",
    run=run,
    identities=("encoder",),
    sections=(TrainSae, Encoders, Regions),
    inputs={
        "layer": layer_probe.LAYER_PATH,
        "pins": pins.DIRECTORY,
        "train": splits.TRAIN,
        "detect": splits.DETECT,
    },
    outputs={"sae": sae.PATH},
)

if __name__ == "__main__":
    STAGE.main()
