"""The latents that a region's cultural prompts share and its noun prompts lack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from culturebench.artifacts import layer_probe, neurons, pins, sae, selected, splits
from culturebench.artifacts.neurons import NeuronRow
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.regions import Regions
from culturebench.params.select_neurons import SelectNeurons
from culturebench.probing import sae as probing_sae
from culturebench.probing.attention import Prompt
from culturebench.probing.features import FeatureBatch
from culturebench.probing.pairs import Pair, pairs_of
from culturebench.probing.pooling import pooled_latents
from culturebench.probing.probed import Probed, open_probed
from culturebench.probing.selection import Selection, SelectionError, Settings
from culturebench.probing.selectors import LapeRule, Rules, Sides, selector, usable
from culturebench.progress import progress
from culturebench.stage import Paths, Stage

COLUMNS = ("picture_id", "region", "cultural", "noun", "neutral")


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    select_neurons: SelectNeurons
    encoders: Encoders
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """Score every latent of every autoencoder for every region on the detect split."""
    chosen = params.select_neurons.of(encoder)
    selector(chosen.selector, "params.yaml: select_neurons.selector")
    probed = open_probed(choose(params.encoders, encoder), inputs["pins"], inputs["layer"])
    saes = {seed: probing_sae.load(sae.seed_folder(inputs["sae"], seed)) for seed in sae.seeds(inputs["sae"])}
    regions: dict[int, dict[str, Sides]] = {seed: {} for seed in saes}
    for region in progress(params.regions, len(list(params.regions)), "regions"):
        pairs = _pairs(inputs["detect"], region, chosen)
        sides = [
            (prompts, list(probed.features([p.text for p in prompts], chosen.batch_size)))
            for prompts in ([pair.cultural for pair in pairs], [pair.noun for pair in pairs])
        ]
        for seed, trained in saes.items():
            pooled = [_pooled(trained, batches, prompts, chosen, probed) for prompts, batches in sides]
            if not all(len(side) for side in pooled):
                raise SelectionError(
                    f"region {region!r}: no detect prompt has a token within its spans; are they cut off?"
                )
            regions[seed][region] = Sides(*pooled)

    rules = _rules(chosen)
    names = {chosen.selector, *usable(len(list(params.regions)))}
    found = {seed: {name: selector(name)(some, rules) for name in names} for seed, some in regions.items()}
    neurons.TABLE.save(
        outputs["neurons"],
        [
            row
            for seed, by_name in found.items()
            for region, one in by_name[chosen.selector].items()
            for row in _rows(seed, region, one)
        ],
    )
    selected.TABLE.save(
        outputs["selected"],
        [
            {"selector": name, "sae_seed": seed, "region": region, "latent": int(i), "score": float(one.score[i])}
            for seed, by_name in found.items()
            for name, of_region in by_name.items()
            for region, one in of_region.items()
            for i in np.flatnonzero(one.selected)
        ],
    )


def _rules(chosen: SelectNeurons) -> Rules:
    settings = Settings(chosen.threshold, chosen.beta, chosen.min_k, chosen.max_k, chosen.drop == "before_elbow")
    return Rules(settings, LapeRule(chosen.lape.top, chosen.lape.filter, chosen.lape.bar), chosen.seed)


def _pairs(detect: Path, region: str, chosen: SelectNeurons) -> list[Pair]:
    pairs, dropped = pairs_of(splits.TABLE.load_all(detect, [region], COLUMNS))
    if len(pairs) < chosen.min_prompts:
        raise SelectionError(
            f"region {region!r} has {len(pairs)} detect pairs with marked spans (left out: {dropped or 'none'}); "
            f"select_neurons.min_prompts asks for {chosen.min_prompts}: mark spans or collect more"
        )
    return pairs


def _pooled(
    trained: probing_sae.TopKSAE,
    batches: list[FeatureBatch],
    prompts: list[Prompt],
    chosen: SelectNeurons,
    probed: Probed,
) -> NDArray[np.float64]:
    causal = probed.model.causal
    found = pooled_latents(trained, batches, prompts, positions=chosen.positions, pool=chosen.pool, causal=causal)
    return found[np.isfinite(found).all(axis=1)]


def _rows(seed: int, region: str, found: Selection) -> list[NeuronRow]:
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
    params=Params,
    inputs={
        "layer": layer_probe.LAYER_PATH,
        "sae": sae.PATH,
        "pins": pins.DIRECTORY,
        "detect": splits.DETECT,
    },
    outputs={"neurons": neurons.PATH, "selected": selected.PATH},
)

if __name__ == "__main__":
    STAGE.main()
