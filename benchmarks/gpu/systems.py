"""Published systems with random weights, opened as a user's are: by an entry of examples/models and its adapter."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from diffusers import DiffusionPipeline

from culturebench.params.encoders import Encoder
from culturebench.params.models import Model, ModelRuntime
from culturebench.text_to_image.adapters.diffusers import SLOTS
from culturebench.text_to_image.adapters.parts import DENOISERS, read_index
from culturebench.text_to_image.adapters.pipeline import PipelineSystem
from culturebench.text_to_image.loading import load_encoder, load_model

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
TINY_SIZE, TINY_TOKENS = 32, 32  # pixels a side; of T5


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    pictures: int  # at once by the project's sampler
    steps: int  # of a picture
    batches: tuple[int, ...]  # sizes of which the library's best is taken
    alone: int  # pictures of the plain loop, and the fewest by which a batch size is judged
    scenes: int  # three prompts each are probed
    training_steps: int  # of an enhancer, and of a LoRA
    sae_steps: int


PUBLISHED = Scale(16, 8, (1, 2, 4, 8, 16), 4, 100, 20, 100)
TINY = Scale(2, 2, (1, 2), 1, 4, 2, 2)


@dataclass(frozen=True)
class Opened:
    """A loaded system and the folder that it came from."""

    model: Model
    scale: Scale
    system: PipelineSystem
    folder: Path

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.system.device

    @property
    def layer(self) -> int:
        """A layer of the edited tower in the middle of those that the backbone sees."""
        return self.system.encoder.last_upstream_layer // 2


def write(layout: str, folder: Path, *, tiny: bool, parts: Sequence[str] | None = None) -> float:
    """Random weights of the published sizes, or `tiny` ones, under `folder`; their size in GB."""
    import layouts

    layouts.write(layout, folder, published=not tiny, parts=parts)
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors")) / 1e9


def open_system(name: str, folder: Path, *, tiny: bool) -> Opened:
    """The system of examples/models in as few steps as the check takes; `tiny`: of weights that are."""
    scale = TINY if tiny else PUBLISHED
    entries: dict[str, Any] = yaml.safe_load((ROOT / f"examples/models/{name}.yaml").read_text(encoding="utf-8"))
    values: dict[str, Any] = {**entries["models"][name], "steps": scale.steps}
    model = Model(**values)
    encoders = [Encoder(**entries["encoders"][tower]) for tower in model.towers]
    if tiny:
        model = model.model_copy(update={"size": TINY_SIZE, "runtime": ModelRuntime()})
        encoders = [one.model_copy(update={"max_tokens": TINY_TOKENS}) if one.max_tokens else one for one in encoders]
    towers = [load_encoder(one, folder) for one in encoders]
    system: Any = load_model(model, towers, folder, None, scale.steps)
    return Opened(model, scale, system, folder)


def library_of(opened: Opened) -> Any:
    """The library's own pipeline of the same folder, around the same weights, which would not fit twice."""
    pipe, towers = opened.system.pipe, opened.system.towers
    slots = [slot for slot in SLOTS if slot in read_index(opened.folder)]
    parts = {name: part for name in (*DENOISERS, "vae") if (part := getattr(pipe, name, None)) is not None}
    given = {**parts, **{slot: tower.model for slot, tower in zip(slots, towers, strict=True)}}
    own: Any = DiffusionPipeline.from_pretrained(opened.folder, **given, local_files_only=True)
    own.set_progress_bar_config(disable=True)
    return own
