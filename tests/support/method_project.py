"""A tiny project from splits to neurons: two regions, 24 pairs, and a random XLM-R of four layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from culturebench.artifacts import layer_check, pins, placebos, splits
from culturebench.pins import pin_folder
from culturebench.png import to_png
from tiny_system import write_weights

REGIONS = {"jp": "seigaiha", "nl": "delft"}
PLACEBOS = {"jp": ["red", "large"], "nl": ["blue", "small"]}
OBJECTS = ("bowl", "vase", "plate", "fan")
PLACES = ("grass", "sand", "snow")
WORDS = [*REGIONS.values(), *OBJECTS, *PLACES, "plain", "on", *PLACEBOS["jp"], *PLACEBOS["nl"]]
PARAMS = {
    "probe_layers": {
        "direction": None, "attention_unit": "relative", "resamples": 500, "seed": 0,
        "level": 0.95, "alpha": 0.01, "min_excess": 0.0, "min_pairs": 5, "when_none": 1, "batch_size": 8,
        "max_length_ratio": 1.5, "reinitialised": {"copies": 2, "max_parameters": 10**6},
    },
    "check_layers": {"share": 0.1, "max_pairs": 10, "min_excess": 0.1},
    "train_sae": {
        "seeds": [0, 1], "expansion": 2, "k": 4, "steps": 60, "batch_size": 32, "learning_rate": 0.004,
        "aux_coefficient": 0.03125, "aux_k": None, "dead_after": 10, "max_prompts": 30, "prompts_at_once": 8,
        "centre": "mean", "log_every": 20, "checkpoint_every": 25, "activation_megabytes": 100,
    },
    "select_neurons": {
        "selector": "wfs", "positions": "modifier_noun", "pool": "max", "threshold": 0, "beta": 1e-8, "min_k": 2,
        "max_k": 16, "drop": "after_elbow", "min_prompts": 5,
        "means_of": "subdivision", "language_share": 0.9, "seed": 0, "batch_size": 8,
        "lape": {"top": 0.5, "filter": 0.5, "bar": 0.5},
    },
}  # fmt: skip


def caption(modifier: str | None, noun: str, place: str):
    words = [*([modifier] if modifier else []), noun, "on", place]
    text = " ".join(words)
    at = lambda word: (text.index(word), text.index(word) + len(word)) if word else (-1, -1)  # noqa: E731
    (a, b), (c, d) = at(noun), at(modifier)
    return {"text": text, "language": "en", "noun_start": a, "noun_end": b, "modifier_start": c, "modifier_end": d}


def split_row(region: str, split: str, noun: str, place: str):
    name = f"{split}_{region}_{noun}_{place}"
    return {
        "picture_id": name, "region": region, "language": "en", "subdivision": "", "group": name,
        "provisional": False, "cultural": caption(REGIONS[region], noun, place), "noun": caption(None, noun, place),
        "neutral": caption("plain", noun, place), "cultural_en": None, "noun_en": None, "licence": "CC0-1.0",
        "scene": None, "image": to_png(Image.new("RGB", (4, 4))),
    }  # fmt: skip


def write_params(changes: dict[str, Any] | None = None):
    params = {name: {**values, **(changes or {}).get(name, {})} for name, values in PARAMS.items()}
    params |= {
        "engine": {"kind": "local", "workers": 1, "address": None, "cpus_per_worker": 1, "gpus_per_worker": 0},
        "regions": list(REGIONS),
        "encoders": {"tiny": {"adapter": "atlas", "pin": "encoder"}},
        "models": {"small": {"adapter": "atlas", "towers": ["tiny"], "pin": "backbone"}},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params))


def write_method_project(root: Path) -> None:
    """The params, the encoder's pin, both splits that the stages read, placebo words, and no check."""
    write_params()
    pins.save(root / pins.PATH.format(pin="encoder"), pin_folder("encoder", write_weights(root, WORDS)["encoder"]))
    for region in REGIONS:
        placebos.save(root / placebos.PATH.format(region=region), PLACEBOS[region])
    unknown = {"layer": None, "layers": 4, "share": 0.1, "least_pairs": 5, "pairs": 0, "dropped": {}, "points": []}
    layer_check.save(root / layer_check.PATH.format(encoder="tiny"), unknown)
    for split in (splits.TRAIN, splits.DETECT):
        for region in REGIONS:
            rows = [split_row(region, split.split("/")[1], noun, place) for noun in OBJECTS for place in PLACES]
            splits.TABLE.save(root / split / f"{region}.parquet", rows)
