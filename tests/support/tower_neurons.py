"""Neurons as if they had been found in a text encoder of a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import tiny_project
from culturebench.artifacts import binding, layer_probe, neurons as neuron_table, sae as sae_artifact
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.encoders.hub import HubEncoder

#: Region -> its neurons.
OF = {"jp": [1, 2, 3], "nl": [4, 5, 6], "de": [7, 8]}


def encoder_of(pipe: Any, tower: str) -> HubEncoder:
    return HubEncoder(getattr(pipe, tower), getattr(pipe, tower.replace("text_encoder", "tokenizer")))


def write_neurons(bound: Path, width: int, layer: int = 0) -> Path:
    """The folder of a tower in the layout of `bind_encoder`."""
    verdict = dict.fromkeys(layer_probe.LAYER_KEYS, "")
    layer_probe.save_layer(binding.layer_path(bound, "tower"), {**verdict, "layer": layer})
    generator = torch.Generator().manual_seed(0)
    sae = TopKSAE(width, 32, k=4)
    for weights in (sae.encoder, sae.decoder):
        weights.data = torch.randn(weights.shape, generator=generator)
    saes.save(sae, sae_artifact.seed_folder(binding.sae_folder(bound, "tower"), 0))
    rows = [
        {**tiny_project.neuron(0, "jp", latent), "region": region, "selected": latent in chosen}
        for region, chosen in OF.items()
        for latent in range(32)
    ]
    neuron_table.TABLE.save(binding.neurons_path(bound, "tower"), rows)
    tiny_project.write_means(bound, "tower", rows, width)
    return bound / "tower"
