"""The latents that a region's cultural prompts share and its noun prompts lack."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturebench.artifacts import layer_probe, neurons, pins, sae, splits
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.regions import Regions
from culturebench.params.select_neurons import SelectNeurons
from culturebench.pins import pin_path, verified_folder
from culturebench.probing import sae as probing_sae
from culturebench.probing.attention import Prompt
from culturebench.probing.features import FeatureBatch, feature_batches
from culturebench.probing.pairs import Pair, pairs_of
from culturebench.probing.selection import SELECTORS, Selection, SelectionError, Settings, pooled_latents
from culturebench.stage import Stage
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.loading import load_encoder

COLUMNS = ("picture_id", "region", "cultural", "noun", "neutral")


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, encoder: str) -> None:
    """Score every latent of every autoencoder for every region on the detect split."""
    chosen: SelectNeurons = params.select_neurons.of(encoder)
    source = choose(params.encoders, encoder)
    model = load_encoder(source, verified_folder(pin_path(inputs["pins"], source.pin)))
    layer = layer_probe.load_layer(inputs["layer"])["layer"]
    saes = {seed: probing_sae.load(sae.seed_folder(inputs["sae"], seed)) for seed in sae.seeds(inputs["sae"])}

    rows: list[dict[str, Any]] = []
    for region in params.regions:
        pairs = _pairs(inputs["detect"], region, chosen)
        sides = [
            (prompts, list(feature_batches(model, layer, [p.text for p in prompts], chosen.batch_size)))
            for prompts in ([pair.cultural for pair in pairs], [pair.noun for pair in pairs])
        ]
        for seed, trained in saes.items():
            cultural, noun = (_pooled(trained, batches, prompts, chosen, model) for prompts, batches in sides)
            rows += _rows(seed, region, _select(chosen, cultural, noun, region))
    neurons.TABLE.save(outputs["neurons"], rows)


def _pairs(detect: Path, region: str, chosen: SelectNeurons) -> list[Pair]:
    pairs, dropped = pairs_of(splits.TABLE.load_all(detect, [region], COLUMNS))
    if len(pairs) < chosen.least_prompts:
        raise SelectionError(
            f"region {region!r} has {len(pairs)} detect pairs with marked spans (left out: {dropped or 'none'}); "
            f"select_neurons.least_prompts asks for {chosen.least_prompts}: mark spans or collect more"
        )
    return pairs


def _pooled(
    trained: probing_sae.TopKSAE,
    batches: list[FeatureBatch],
    prompts: list[Prompt],
    chosen: SelectNeurons,
    model: TextEncoder,
) -> NDArray[np.float64]:
    found = pooled_latents(trained, batches, prompts, positions=chosen.positions, pool=chosen.pool, causal=model.causal)
    return found[np.isfinite(found).all(axis=1)]


def _select(chosen: SelectNeurons, cultural: NDArray[np.float64], noun: NDArray[np.float64], region: str) -> Selection:
    if not len(cultural) or not len(noun):
        raise SelectionError(f"region {region!r}: no detect prompt has a token within its spans; are they cut off?")
    settings = Settings(chosen.threshold, chosen.beta, chosen.least, chosen.most, chosen.drop == "before_elbow")
    return SELECTORS[chosen.selector](cultural, noun, settings, chosen.seed)


def _rows(seed: int, region: str, found: Selection) -> list[dict[str, Any]]:
    return [
        {
            "sae_seed": seed,
            "region": region,
            "latent": latent,
            "score": float(found.score[latent]),
            "score_noun": float(found.score_noun[latent]),
            "frequency": float(found.cultural.frequency[latent]),
            "frequency_noun": float(found.noun.frequency[latent]),
            "mean": float(found.cultural.mean[latent]),
            "rank": int(found.rank[latent]),
            "candidate": bool(found.candidate[latent]),
            "selected": bool(found.selected[latent]),
        }
        for latent in range(len(found.score))
    ]


STAGE = Stage(
    name="select_neurons",
    run=run,
    identities=("encoder",),
    sections=(SelectNeurons, Encoders, Regions),
    inputs={
        "layer": layer_probe.LAYER_PATH,
        "sae": sae.PATH,
        "pins": pins.DIRECTORY,
        "detect": splits.DETECT,
    },
    outputs={"neurons": neurons.PATH},
)

if __name__ == "__main__":
    STAGE.main()
