"""The systems around pipelines of diffusers, each on its published layout, shrunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

import layouts
import sd15
from culturebench.params.encoders import Encoder
from culturebench.params.models import Model
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.text_to_image.denoising import denoising_of
from culturebench.text_to_image.loading import load_encoder, load_model

#: A short training of an enhancer.
TRAINING = TrainEnhancer(
    width=8, objective="denoise", last_steps=2, loss_space="latent", steps=4, batch_size=2, learning_rate=0.01,
    gain_rate=0.1, noise_power=0.5, autocast="auto", gradient_checkpointing=None, checkpoint_every=1, log_every=2,
    log_pairs=2, seed=0,
)  # fmt: skip
STEPS, T5_TOKENS = 3, 32


def _tower(number: str = "", kind: str = "transformers", **values: Any) -> dict[str, Any]:
    return {"adapter": kind, "subfolder": f"text_encoder{number}", "tokenizer": f"tokenizer{number}", **values}


_CLIPS = {"l": _tower(reads="penultimate"), "g": _tower("_2")}
#: System -> adapter, towers, the tower that is edited.
SYSTEMS: dict[str, tuple[str, dict[str, dict[str, Any]], str]] = {
    "altdiffusion_m18": ("altdiffusion", {"xlm_r": _tower(kind="altdiffusion")}, "xlm_r"),
    "pea_diffusion": ("pea_diffusion", {"xlm_r": {"adapter": "open_clip", "subfolder": "open_clip"}}, "xlm_r"),
    "sdxl": ("sdxl", _CLIPS, "g"),
    "sd35_medium": ("sd35", {**_CLIPS, "t5": _tower("_3", max_tokens=T5_TOKENS)}, "t5"),
    "flux": ("flux", {"l": _tower(), "t5": _tower("_2", max_tokens=T5_TOKENS)}, "t5"),
    "sd15": ("diffusers", {"l": _tower()}, "l"),
}


def system_of(name: str, root: Path, **values: Any) -> Any:
    """The system `name`, its folders written under `root` at the first call."""
    adapter, towers, edited = SYSTEMS[name]
    folder = written(name, root)
    bridge = folder / "adapter" if adapter == "pea_diffusion" else None
    encoders = [load_encoder(_encoder(entry), folder) for entry in towers.values()]
    if bridge is not None:
        values["bridge"] = "bridge"
    model = Model(adapter=adapter, towers=list(towers), edited=edited, pin="x", size=32, **values)
    backbone = written("sdxl", root) if bridge else folder
    return load_model(model, encoders, backbone, bridge, STEPS)


def _encoder(entry: dict[str, Any]) -> Encoder:
    if entry["adapter"] == "open_clip":
        return Encoder(**entry, pin="x", tokenizer="open_clip")
    return Encoder(**entry, pin="x")


def written(name: str, root: Path) -> Path:
    folder = root / name
    if folder.is_dir():
        return folder
    if name == "sd15":
        return sd15.write(folder)
    layouts.write(name, folder)
    for pickle in list(folder.rglob("*.bin")):
        save_file(torch.load(pickle, weights_only=True), pickle.with_suffix(".safetensors"))
        pickle.unlink()
    return folder


def denoisings_in(root: Path) -> Callable[[str], Any]:
    """System -> how its enhancer's loss is computed, made once under `root`; no test changes it."""

    @cache
    def made(name: str) -> Any:
        return denoising_of(system_of(name, root, guidance=5.0))

    return made
