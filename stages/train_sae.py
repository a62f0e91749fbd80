"""Sparse autoencoders of the attention outputs at the marked layer, one a seed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from culturebench.artifacts import layer_probe, pins, sae, splits
from culturebench.errors import CultureBenchError
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.regions import Regions
from culturebench.params.train_sae import TrainSae
from culturebench.probing import sae as probing_sae
from culturebench.probing.features import digest, token_features
from culturebench.probing.probed import Probed, open_probed
from culturebench.probing.train_sae import SaeTraining, quality, train
from culturebench.probing.training_state import Checkpoint
from culturebench.progress import progress
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.runtime import kind_of

CAPTIONS = ("cultural", "noun", "cultural_en", "noun_en")
VERSION = 1  # raised when the same settings would train to other bytes


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    train_sae: TrainSae
    encoders: Encoders
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """Train on the train split's captions, and say how well the detect split's are described."""
    chosen = params.train_sae.of(encoder)
    probed = open_probed(choose(params.encoders, encoder), inputs["pins"], inputs["layer"])
    captions = _thinned(_texts(inputs["train"], params.regions), chosen.max_prompts)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as spill:
        features = _features(probed, captions, chosen, "train captions", Path(spill) / "train")
        held_out = _features(
            probed, _texts(inputs["detect"], params.regions), chosen, "detect captions", Path(spill) / "detect"
        )
        metrics = {str(seed): _train(probed, features, held_out, chosen, seed, outputs["sae"]) for seed in chosen.seeds}
    tokens, held_out_tokens = len(features), len(held_out)
    sae.save_metrics(
        outputs["sae"],
        {
            "made_on": kind_of(probed.device),
            "layer": probed.layer,
            "train_tokens": tokens,
            "detect_tokens": held_out_tokens,
            "seeds": metrics,
        },
    )


def _train(
    probed: Probed, features: Tensor, held_out: Tensor, chosen: TrainSae, seed: int, folder: Path
) -> sae.Quality:
    """Train and save the autoencoder of one seed; its quality and history."""
    settings = _settings(chosen, features.shape[1])

    def watch(steps: range) -> Iterable[int]:
        return progress(steps, len(steps), f"autoencoder, seed {seed}, from step {steps.start}")

    determinants = {"train_sae": VERSION, "features": digest(features), **asdict(settings), "seed": seed}
    determinants |= {"torch": torch.__version__, "made_on": kind_of(probed.device)}
    checkpoint = Checkpoint(Store(store_url()), determinants, chosen.checkpoint_every)
    trained = train(features, settings, seed, watch=watch, checkpoint=checkpoint, device=probed.device)
    probing_sae.save(trained.sae, sae.seed_folder(folder, seed))
    found = quality(trained.sae, held_out)
    return {"fvu": found.fvu, "l0": found.l0, "dead": found.dead, "history": trained.history}


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
        centre=chosen.centre,
        log_every=chosen.log_every,
    )


def _texts(folder: Path, regions: Iterable[str]) -> list[str]:
    """Every different caption once, in a fixed order."""
    rows = splits.TABLE.load_all(folder, regions, CAPTIONS)
    captions = (row[name] for row in rows for name in CAPTIONS)
    texts = {caption["text"] for caption in captions if caption}
    if not texts:
        raise CultureBenchError(f"{folder} holds no captions; look at reports/metrics/data.json for the drops")
    return sorted(texts, key=lambda text: (len(text), text))  # alike lengths together: little padding


def _thinned(texts: list[str], limit: int) -> list[str]:
    """At most `limit` of the texts, evenly over their order."""
    return texts if len(texts) <= limit else [texts[i * len(texts) // limit] for i in range(limit)]


def _features(probed: Probed, texts: list[str], chosen: TrainSae, label: str, spill: Path) -> Tensor:
    spill.mkdir()
    size = chosen.prompts_at_once
    batches = progress(probed.features(texts, size), -(-len(texts) // size), label)
    return token_features(batches, budget=chosen.activation_bytes, folder=spill)


def aside(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """No autoencoder."""
    outputs["sae"].mkdir(exist_ok=True)


STAGE = Stage(
    name="train_sae",
    run=run,
    aside=aside,
    identities=("encoder",),
    params=Params,
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
