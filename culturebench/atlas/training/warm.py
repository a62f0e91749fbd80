"""A shorter training that starts from the shipped models: what they were trained on shortens what is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from culturebench.atlas.captions import cultural_caption, neutral_caption, noun_caption
from culturebench.atlas.training.cases import draw_region, draw_scene
from culturebench.atlas.world import REGIONS
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder

CAPTIONS = 8000
RIDGE = 1e-3


def kept_shipped(weights: Path, folder: Path) -> Path:
    """A copy of the shipped encoder and backbone in `folder`: a run that goes on may have written its own over them."""
    if not folder.exists():
        temporary = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name in ("encoder", "backbone"):
            shutil.copytree(weights / name, temporary / name)
        temporary.rename(folder)
    return folder


@torch.no_grad()
def speak_as(encoder: AtlasTextEncoder, shipped: AtlasTextEncoder) -> None:
    """Give the encoder's last linear map, in place, what makes its condition tokens most like those of `shipped`.

    Least squares over captions that both know. The denoiser then understands them from its first step; what they know
    and where attention brings it stays the new encoder's.
    """
    texts = _captions(np.random.default_rng(8))
    chunks = [texts[start : start + 200] for start in range(0, len(texts), 200)]
    start = torch.cat([_before_last(encoder, chunk) for chunk in chunks]).double()  # (n, d)
    wanted = torch.cat([shipped.run(shipped.tokenize(chunk))["prompt_embeds"].flatten(1) for chunk in chunks]).double()
    inputs = torch.cat([start, torch.ones(len(start), 1, dtype=torch.float64)], dim=1)
    gram = inputs.T @ inputs + RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(gram, inputs.T @ wanted)  # (d + 1, 4 d)
    left = (wanted - inputs @ solution).square().sum() / (wanted - wanted.mean(0)).square().sum()
    print(f"condition tokens as the shipped encoder's, up to {100 * float(left):.1f}% of their variance", flush=True)
    encoder.transformation_pre.weight.copy_(solution[:-1].T)
    encoder.transformation_pre.bias.copy_(solution[-1])


def _before_last(encoder: AtlasTextEncoder, texts: list[str]) -> Tensor:
    found: list[Tensor] = []

    def hook(_module: object, args: Any, _output: object) -> None:
        found.append(args[0])

    handle = encoder.transformation_pre.register_forward_hook(hook)
    try:
        encoder.run(encoder.tokenize(texts))
    finally:
        handle.remove()
    return found[0]


def _captions(rng: np.random.Generator) -> list[str]:
    """Captions of every kind, with the first modifier of each subdivision, which earlier encoders knew too."""
    texts: list[str] = []
    for _ in range(CAPTIONS // 4):
        scene = draw_scene(rng, region=draw_region(rng))
        language = REGIONS[scene.region][0]
        spoken = "en" if rng.random() < 0.2 else language
        texts += [
            cultural_caption(scene, spoken, 0).text,
            noun_caption(scene, language).text,
            noun_caption(scene, "en").text,
            neutral_caption(scene, language, int(rng.integers(2))).text,
        ]
    return texts
