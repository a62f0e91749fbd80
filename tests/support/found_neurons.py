"""A clone in which the neurons of a tiny Stable Diffusion were found: all that a pack is made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
import yaml

import tiny_project
from culturebench.artifacts import binding, layer_probe, neurons, pins, sae
from culturebench.pins import pin_folder
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from import_graph import ROOT

MODEL, TOWER = "sd", "clip"
LAYER, LATENTS = 1, 48
#: Region -> culture neurons, in every autoencoder.
OF = {"jp": [1, 7, 30], "nl": [7, 8], "de": [40]}


def write(root: Path, weights: Path) -> Path:
    """Params, pin, layer, autoencoders, neurons and region files under `root`, for weights of `sd15.write`."""
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = {
        "models": {MODEL: {"adapter": "diffusers", "towers": [TOWER], "pin": TOWER}},
        "encoders": {TOWER: {"adapter": "transformers", "pin": TOWER}},
        **{section: whole[section] for section in ("select_neurons", "evaluate")},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    pins.save(root / pins.PATH.format(pin=TOWER), pin_folder(TOWER, weights))
    bound = root / binding.PATH.format(model=MODEL)
    verdict = dict.fromkeys(layer_probe.LAYER_KEYS, "")
    layer_probe.save_layer(binding.layer_path(bound, TOWER), {**verdict, "layer": LAYER})
    width = json.loads((weights / "text_encoder/config.json").read_text())["hidden_size"]
    for seed in (0, 1):
        saes.save(_autoencoder(width, seed), sae.seed_folder(binding.sae_folder(bound, TOWER), seed))
    rows = [
        {
            **tiny_project.neuron(seed, "jp", latent), "region": region, "selected": latent in chosen,
            "mean": 1 + latent / 3,
        }
        for seed in (0, 1) for region, chosen in OF.items() for latent in range(LATENTS)
    ]  # fmt: skip
    neurons.TABLE.save(binding.neurons_path(bound, TOWER), rows)
    tiny_project.write_means(bound, TOWER, rows, width)
    shutil.copytree(ROOT / "annotations/regions", root / "annotations/regions")
    return root


def _autoencoder(width: int, seed: int) -> TopKSAE:
    generator = torch.Generator().manual_seed(seed)
    whole = TopKSAE(width, LATENTS, k=4)
    for tensor in (whole.encoder, whole.encoder_bias, whole.decoder, whole.decoder_bias):
        tensor.data = torch.randn(tensor.shape, generator=generator)
    return whole
