"""A project in which everything up to generation is done, with tiny random weights and made-up prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from culturebench.artifacts import (
    annotated,
    binding,
    directions,
    layer_probe,
    levels,
    neurons,
    pins,
    places,
    prompts,
    sae,
    selected,
    splits,
    strength,
    towers,
)
from culturebench.artifacts._scene import SceneRow
from culturebench.captions.template import beside
from culturebench.pins import pin_folder
from culturebench.png import to_png
from culturebench.text_to_image.prompts import select_prompts
from tiny_system import WIDTH, write_sae

REGIONS = {"jp": "ja", "nl": "nl"}
OBJECTS = ("bowl", "vase", "plate")
#: What the picture of each object shows, as experts say.
CATEGORIES = {"bowl": "crafts", "vase": "portrait", "plate": "food"}
WORDS = [f"{word}_{language}" for language in ("ja", "nl", "en") for word in ("culture", *OBJECTS)]
SAE_SEEDS = (0, 1)
LATENTS = 32
#: Region -> culture neurons, in every autoencoder.
NEURONS = {"jp": (1, 5, 9), "nl": (2, 5)}


def write_project(root: Path, weights: dict[str, Path]) -> None:
    """Params, pins, splits, bound encoder and strengths under `root`."""
    params = project_params(weights)
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for name, folder in weights.items():
        pin = pin_folder(name, folder)
        pins.save(root / pins.PATH.format(pin=name), pin)
        if name in ("encoder", "backbone"):
            pins.save(root / pins.SYSTEM.format(model="atlas") / f"{name}.json", pin)
        if name == "alignment":
            pins.save(root / pins.MEASURES / f"{name}.json", pin)
        if name == "judge":
            pins.save(root / pins.JUDGE.format(judge="tiny") / f"{name}.json", pin)
    towers.save(root / towers.PATH.format(model="atlas"), params["encoders"])
    for split in (splits.TRAIN, splits.TEST):
        for number, region in enumerate(REGIONS):
            splits.TABLE.save(root / split / f"{region}.parquet", split_rows(region, f"{split}{number}"))
    write_annotated(root)
    write_places(root)
    write_prompts(root, params["generate"]["prompts_per_region"])
    write_bound(root / binding.PATH.format(model="atlas"))
    write_selected(root / selected.PATH.format(encoder="atlas"))
    write_selected(root / selected.BOUND.format(model="atlas") / "atlas.parquet")
    write_probe(root / layer_probe.LAYER_PATH.format(encoder="atlas"))
    write_probe(root / layer_probe.LAYERS.format(model="atlas") / "atlas.json")
    write_strength(root / strength.PATH.format(model="atlas"), amplify=3.0, activate=2.0)


def write_annotated(root: Path) -> None:
    """Every test picture is kept, in the category of its object."""
    for region in REGIONS:
        rows = splits.TABLE.load(root / splits.TEST / f"{region}.parquet", ["picture_id", "region", "scene"])
        annotated.TABLE.save(
            root / annotated.PATH.format(region=region),
            [
                {
                    "picture_id": row["picture_id"], "region": region, "status": "kept", "reason": "",
                    "subdivision": "", "category": CATEGORIES[row["scene"]["object"]], "agreement": 1.0,
                    "decisions": 2, "provisional": False,
                }
                for row in rows
                if row["scene"]
            ],
        )  # fmt: skip


def write_places(root: Path) -> None:
    """What captioning said of the regions; each has one modifier in its language and one in English."""
    for code, language in REGIONS.items():
        words = {"local": [f"culture_{language}"], "en": ["culture_en"]}
        place = {"country": code, "iso": [code.upper()], "judge_label": code, "language": language}
        places.save(root / places.PATH.format(region=code), {**place, "modifiers": words})


def write_prompts(root: Path, count: int) -> None:
    """The first `count` test prompts of each region, as load_prompts draws them."""
    rows = splits.TABLE.load_all(root / splits.TEST, REGIONS)
    drawn = [
        {
            **row,
            "prompted": beside(row["noun"], f"culture_{REGIONS[row['region']]}"),
            "prompted_en": beside(row["noun_en"], "culture_en"),
        }
        for row in select_prompts(rows, list(REGIONS), count)
    ]
    prompts.TABLE.save(root / prompts.PATH.format(prompts="test"), drawn)


def project_params(weights: dict[str, Path]) -> dict[str, Any]:
    """The sections that generation, judging and measuring read."""
    return {
        "regions": list(REGIONS),
        "pins": {name: {"folder": str(folder)} for name, folder in weights.items()},
        "encoders": {"atlas": {"adapter": "atlas", "pin": "encoder"}},
        "models": {"atlas": {"adapter": "atlas", "towers": ["atlas"], "pin": "backbone"}},
        "judges": {"tiny": {"kind": "atlas", "pin": "judge"}},
        "sampler": {"steps": 2, "batch_size": 2},
        "generate": {"prompts_per_region": 2, "seeds": [0, 1], "control_seeds": 2},
        "prompts": {"test": {"file": "data/test"}},
        "tune_strength": {
            "judge": "tiny", "prompts_per_region": 2, "seeds": [0], "amplify": [0, 2], "activate": [0, 1],
            "steer": [0, 1], "steer_en": [0, 1],
            "alignment_share": 0.95, "resamples": 200, "level": 0.95, "seed": 0,
            "dose": {"controls": ["random", "same_norm"], "prompts_per_region": 1, "strengths": 1},
        },
        "compare_selectors": {
            "judge": "tiny", "selectors": ["wfs", "lape", "mad", "random"],
            "k": [None, 1], "max_regions": 2, "prompts_per_region": 2, "seeds": [0, 1], "resamples": 200,
            "level": 0.95, "seed": 0,
        },
        "describe_neurons": {
            "judge": "tiny", "pictured": 1, "amplify": 5.0, "captions": 2, "near": 2, "prompts_per_region": 2,
            "seeds": [0, 1], "resamples": 200, "level": 0.95, "seed": 0,
        },
        "train_enhancer": {
            "width": 8, "objective": "denoise", "loss_space": "pixel", "steps": 4, "batch_size": 2,
            "learning_rate": 0.01, "gain_rate": 0.1, "noise_power": 0.5, "log_every": 2, "log_pairs": 4, "seed": 0,
            "last_steps": 1, "autocast": "auto", "gradient_checkpointing": None, "checkpoint_every": 1,
        },
        "judge": {"seed": 0},
        "judge_reliability": {
            "form": "both", "pictures_per_region": 2, "choices": 4, "seed": 0, "resamples": 200, "level": 0.95,
        },
        "evaluate": {"resamples": 200, "permutations": 1000, "seed": 0, "level": 0.95},
        "engine": {"kind": "local", "workers": 2, "address": None, "cpus_per_worker": 1, "gpus_per_worker": 0},
        "measure": {"alignment": "alignment", "caption": "cultural"},
    }  # fmt: skip


def split_rows(region: str, prefix: str) -> list[dict[str, Any]]:
    """Three rows of one region, each with all captions and a small picture."""
    language = REGIONS[region]
    return [
        {
            "picture_id": f"{prefix}_{region}_{number}",
            "region": region,
            "language": language,
            "subdivision": "delft",
            "group": f"{prefix}_{region}_{number}",
            "provisional": False,
            "cultural": _caption(f"culture_{language} {thing}_{language}", language),
            "noun": _caption(f"{thing}_{language}", language),
            "neutral": None,
            "cultural_en": None,
            "noun_en": _caption(f"{thing}_en", "en"),
            "licence": "CC0-1.0",
            "scene": {**dict.fromkeys(SceneRow.__annotations__, ""), "object": thing, "seed": number},
            "image": to_png(Image.new("RGB", (24, 24), (number * 90, 40, 200))),
        }
        for number, thing in enumerate(OBJECTS)
    ]


def _caption(text: str, language: str) -> dict[str, Any]:
    return {
        "text": text, "language": language, "noun_start": -1, "noun_end": -1, "modifier_start": -1, "modifier_end": -1,
    }  # fmt: skip


def write_bound(folder: Path) -> None:
    """What bind_encoder gives: layer 1, two autoencoders, and the neurons of `NEURONS`."""
    write_probe(binding.layer_path(folder, "atlas"))
    for seed in SAE_SEEDS:
        write_sae(sae.seed_folder(binding.sae_folder(folder, "atlas"), seed), seed, LATENTS)
    rows = [neuron(seed, region, latent) for seed in SAE_SEEDS for region in REGIONS for latent in range(LATENTS)]
    neurons.TABLE.save(binding.neurons_path(folder, "atlas"), rows)
    write_means(folder, "atlas", rows, WIDTH)


def write_means(bound: Path, tower: str, rows: Sequence[Mapping[str, Any]], width: int) -> None:
    """Levels that are the culture neurons' means, and mean differences of whole regions, one apart from the other.

    The layer above the marked one has them too, twice as large.
    """
    layer = layer_probe.load_layer(binding.layer_path(bound, tower))["layer"]
    keys = ("sae_seed", "region", "latent")
    levels.TABLE.save(
        binding.levels_path(bound, tower),
        [
            {**{key: row[key] for key in keys}, "subdivision": "", "level": row["mean"]}
            for row in rows
            if row["selected"]
        ],
    )
    directions.TABLE.save(
        binding.directions_path(bound, tower),
        [
            {
                "layer": layer + above, "region": region, "subdivision": "", "caption": caption, "n_prompts": 5,
                "vector": [float((number + place) % 3 - 1) * (1 + above) for place in range(width)],
            }
            for above in (0, 1)
            for number, (region, caption) in enumerate(
                product(sorted({row["region"] for row in rows}), ("noun", "noun_en"))
            )
        ],
    )  # fmt: skip


def write_selected(path: Path) -> None:
    """What every selector picked: WFS the neurons of `NEURONS`, random others, LAPE some for the first region alone."""
    picked = {
        "wfs": NEURONS,
        "lape": {"jp": (20, 21)},
        "random": {region: tuple(latent + 10 for latent in some) for region, some in NEURONS.items()},
    }
    selected.TABLE.save(
        path,
        [
            {"selector": name, "sae_seed": seed, "region": region, "latent": latent, "score": 1.0}
            for name, regions in picked.items()
            for seed in SAE_SEEDS
            for region, some in regions.items()
            for latent in some
        ],
    )


def neuron(seed: int, region: str, latent: int) -> dict[str, Any]:
    chosen = latent in NEURONS[region]
    return {
        "sae_seed": seed, "region": region, "latent": latent, "score": 1.0, "score_noun": 0.0,
        "frequency": 0.5 + 0.01 * latent, "frequency_noun": 0.1, "mean": 2.0, "rank": latent,
        "candidate": chosen, "selected": chosen,
    }  # fmt: skip


def write_probe(path: Path) -> None:
    """A verdict that marks layer 1 of 4."""
    verdict = dict.fromkeys(layer_probe.LAYER_KEYS, "")
    layer_probe.save_layer(path, {**verdict, "layer": 1, "layers": 4, "last_upstream_layer": 2, "significant": True})


def write_strength(path: Path, amplify: float, activate: float) -> None:
    """Strengths as if they had been tuned."""
    edits = {"amplify": amplify, "activate": activate, "steer": 1.0, "steer_en": 1.0}
    strength.save(path, {name: {"strength": value, "found": True, "curve": []} for name, value in edits.items()})


ADAPTERS = {
    "standard": {"kind": "standard", "region": "jp", "caption": "noun_en"},
    "k_style": {"kind": "k_style", "region": "jp", "caption": "noun", "concepts": "random", "preserve": 0.5},
    "distilled": {"kind": "csl", "region": "all", "caption": "cultural", "projection": "distilled"},
    "decoded": {
        "kind": "csl",
        "region": "nl",
        "caption": "cultural",
        "projection": "decoded",
        "concepts": "other_region",
    },
}
#: What the stages of adapters read beside the rest.
ADAPTER_SECTIONS: dict[str, Any] = {
    "adapters": ADAPTERS,
    "train_adapter": {
        "space": "alignment", "concepts": ["culture_en bowl_en", "culture_en vase_en, {region}"],
        "targets": ["self", "cross"], "rank": 2, "alpha": 2,
        "gate": {"hidden": 4, "pool": 0.7, "epsilon": 1e-6, "bias": 0.0},
        "csl": {"weight": 0.1, "pool": 4, "temperature": 1.0}, "steps": 2, "batch_size": 2, "learning_rate": 0.05,
        "weight_decay": 0.01, "noise_power": 1.0, "autocast": "auto", "gradient_checkpointing": None,
        "checkpoint_every": 1, "log_every": 1, "log_pairs": 2, "seed": 0,
    },
    "generate_adapted": {
        "prompts": 3, "others_per_region": 2, "seeds": [0], "strengths": [0.5, 1], "swept": ["own_noun"], "measured": 1,
    },
}  # fmt: skip
