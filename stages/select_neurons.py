"""The latents that a region's cultural prompts share and its noun prompts lack."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from culturebench.artifacts import directions, layer_probe, levels, neurons, pins, sae, selected, splits
from culturebench.artifacts.directions import DirectionRow
from culturebench.artifacts.neurons import NeuronRow, decided
from culturebench.artifacts.selected import SelectedRow
from culturebench.artifacts.splits import SplitRow
from culturebench.params import choose
from culturebench.params.encoders import Encoders
from culturebench.params.regions import Regions
from culturebench.params.select_neurons import SelectNeurons
from culturebench.probing import sae as probing_sae
from culturebench.probing.attention import Prompt
from culturebench.probing.directions import WHOLE, english_nouns, groups, mean_differences, pooled_features
from culturebench.probing.features import FeatureBatch
from culturebench.probing.levels import level_rows, part_means
from culturebench.probing.pairs import Pair, pairs_of
from culturebench.probing.pooling import pooled_latents
from culturebench.probing.probed import Probed, open_probed
from culturebench.probing.selection import Selection, SelectionError, Settings
from culturebench.probing.selectors import LapeRule, Rules, Sides, selector, usable
from culturebench.progress import progress
from culturebench.stage import Paths, Stage

#: Prompts, and the encoder's features of them.
Side = tuple[list[Prompt], list[FeatureBatch]]
COLUMNS = ("picture_id", "region", "subdivision", "cultural", "noun", "neutral", "noun_en")


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
    means: dict[tuple[int, str], dict[str, NDArray[np.float64]]] = {}
    differences: list[DirectionRow] = []
    for region in progress(params.regions, len(list(params.regions)), "regions"):
        rows = splits.TABLE.load_all(inputs["detect"], [region], COLUMNS)
        pairs = _pairs(rows, region, chosen)
        sides = [
            (prompts, _read(probed, prompts, chosen, probed.layer))
            for prompts in ([pair.cultural for pair in pairs], [pair.noun for pair in pairs])
        ]
        known = {row["picture_id"]: row for row in rows}
        own = [known[pair.picture_id] for pair in pairs]
        parts = _parts(own, chosen)
        for layer in probed.few_layers:
            differences += _differences(layer, region, own, parts, sides, chosen, probed)
        for seed, trained in saes.items():
            pooled = [_pooled(trained, batches, prompts, chosen, probed) for prompts, batches in sides]
            means[seed, region] = part_means(pooled[0], parts)
            whole = [side[np.isfinite(side).all(axis=1)] for side in pooled]
            if not all(map(len, whole)):
                raise SelectionError(
                    f"region {region!r}: no detect prompt has a token within its spans; are they cut off?"
                )
            regions[seed][region] = Sides(*whole)

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
    print(_last_line([one for by_name in found.values() for one in by_name[chosen.selector].values()]), file=sys.stderr)
    directions.TABLE.save(outputs["directions"], differences)
    levels.TABLE.save(
        outputs["levels"],
        [
            row
            for (seed, region), some in means.items()
            for row in level_rows(seed, region, some, found[seed][chosen.selector][region], chosen.language_share)
        ],
    )
    selected.TABLE.save(outputs["selected"], _picked(found))


def _picked(found: Mapping[int, Mapping[str, Mapping[str, Selection]]]) -> list[SelectedRow]:
    """What every selector picked; `found` is by autoencoder, selector and region."""
    return [
        {"selector": name, "sae_seed": seed, "region": region, "latent": int(i), "score": float(one.score[i])}
        for seed, by_name in found.items()
        for name, of_region in by_name.items()
        for region, one in of_region.items()
        for i in np.flatnonzero(one.selected)
    ]


def _last_line(found: Sequence[Selection]) -> str:
    """What decided K, in how many of the ranked curves."""
    counts = Counter(decided(int(one.candidate.sum()), one.elbow) for one in found)
    told = ", ".join(f"{name} in {count}" for name, count in sorted(counts.items()))
    return f"K of {len(found)} curves is decided by: {told} (bounds: select_neurons.min_k, max_k)."


def _rules(chosen: SelectNeurons) -> Rules:
    settings = Settings(chosen.threshold, chosen.beta, chosen.min_k, chosen.max_k, chosen.drop == "before_elbow")
    return Rules(settings, LapeRule(chosen.lape.top, chosen.lape.filter, chosen.lape.bar), chosen.seed)


def _pairs(rows: list[SplitRow], region: str, chosen: SelectNeurons) -> list[Pair]:
    pairs, dropped = pairs_of(rows)
    if len(pairs) < chosen.min_prompts:
        raise SelectionError(
            f"region {region!r} has {len(pairs)} detect pairs with marked spans (left out: {dropped or 'none'}); "
            f"select_neurons.min_prompts asks for {chosen.min_prompts}: mark spans or collect more"
        )
    return pairs


def _parts(rows: Sequence[SplitRow], chosen: SelectNeurons) -> dict[str, list[int]]:
    """Of which of a region's rows means are taken."""
    named = [row["subdivision"] if chosen.means_of == "subdivision" else WHOLE for row in rows]
    return groups(named, chosen.min_prompts)


def _differences(
    layer: int,
    region: str,
    rows: Sequence[SplitRow],
    parts: Mapping[str, Sequence[int]],
    sides: Sequence[Side],
    chosen: SelectNeurons,
    probed: Probed,
) -> list[DirectionRow]:
    """Mean differences of cultural prompts from noun prompts, and from those in English where rows have these."""
    english = english_nouns(rows)
    told = [prompt for prompt in english if prompt]
    # What the layer wrote for both sides is known of the marked layer alone.
    known = sides if layer == probed.layer else [(some, _read(probed, some, chosen, layer)) for some, _ in sides]
    read = (told, _read(probed, told, chosen, layer))
    cultural, noun, found = (
        pooled_features(batches, prompts, positions=chosen.positions, causal=probed.model.causal)
        for prompts, batches in (*known, read)
    )
    noun_en = np.full_like(cultural, np.nan)
    if told:
        noun_en[[prompt is not None for prompt in english]] = found
    return mean_differences(layer, region, parts, cultural, {"noun": noun, "noun_en": noun_en})


def _read(probed: Probed, prompts: Sequence[Prompt], chosen: SelectNeurons, layer: int) -> list[FeatureBatch]:
    return list(probed.features([prompt.text for prompt in prompts], chosen.batch_size, layer))


def _pooled(
    trained: probing_sae.TopKSAE,
    batches: list[FeatureBatch],
    prompts: list[Prompt],
    chosen: SelectNeurons,
    probed: Probed,
) -> NDArray[np.float64]:
    causal = probed.model.causal
    return pooled_latents(trained, batches, prompts, positions=chosen.positions, pool=chosen.pool, causal=causal)


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
            "elbow": found.elbow,
        }
        for latent in range(len(found.score))
    ]


def aside(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """No neurons, no means."""
    for table, name in ((neurons, "neurons"), (directions, "directions"), (levels, "levels"), (selected, "selected")):
        table.TABLE.save(outputs[name], [])


STAGE = Stage(
    name="select_neurons",
    run=run,
    aside=aside,
    identities=("encoder",),
    params=Params,
    inputs={
        "layer": layer_probe.LAYER_PATH,
        "sae": sae.PATH,
        "pins": pins.DIRECTORY,
        "detect": splits.DETECT,
    },
    outputs={"neurons": neurons.PATH, "selected": selected.PATH, "directions": directions.PATH, "levels": levels.PATH},
)

if __name__ == "__main__":
    STAGE.main()
