"""A model on the meta device, from its configs alone: those of the weights' folder, else the published ones.

It can do all that the loaded model can, except giving numbers.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import diffusers
import torch
import transformers
from torch import Tensor, nn

from culturebench.planning.backbone import META, built
from culturebench.planning.published import GeometryError, need_published, published
from culturebench.text_to_image.adapters import altdiffusion, flux, sd35, sdxl
from culturebench.text_to_image.adapters.batches import Batches
from culturebench.text_to_image.adapters.parts import DENOISERS
from culturebench.text_to_image.adapters.pea_diffusion import Adapter
from culturebench.text_to_image.adapters.pipeline import Join, PipelineSystem, edited_index, settings_of, take
from culturebench.text_to_image.base import Tokens
from culturebench.text_to_image.encoders.altdiffusion import AltEncoder
from culturebench.text_to_image.encoders.hub import HubEncoder, attention_of
from culturebench.text_to_image.encoders.open_clip import CONTEXT

if TYPE_CHECKING:
    from culturebench.params._runtime import Runtime
    from culturebench.params.encoders import Encoder
    from culturebench.params.models import Model
    from culturebench.params.pins import PinSource

#: Adapter -> pipeline, how it joins its towers, and whether guidance has a second half.
PIPELINES: dict[str, tuple[Any, Join | None, bool]] = {
    "altdiffusion": (diffusers.StableDiffusionPipeline, altdiffusion.join, True),
    "pea_diffusion": (diffusers.StableDiffusionXLPipeline, None, True),
    "sdxl": (diffusers.StableDiffusionXLPipeline, sdxl.join, True),
    "sd35": (diffusers.StableDiffusion3Pipeline, sd35.join, True),
    "flux": (diffusers.FluxPipeline, flux.join, False),
}
CLIP_TOKENS = 77
#: Tokens that T5 reads where params name no other number (diffusers: max_sequence_length of SD3 and FLUX).
T5_TOKENS = {"sd35": 256, "flux": 512}


@dataclass(frozen=True)
class Geometry:
    """A model's system and towers on the meta device, and the conditioning of one prompt there."""

    system: PipelineSystem
    towers: Mapping[str, HubEncoder]
    condition: Mapping[str, Tensor]
    bridge: nn.Module | None = None

    @property
    def modules(self) -> list[nn.Module]:
        """Everything that has weights."""
        parts = [part for part in self.system.pipe.components.values() if isinstance(part, nn.Module)]
        return [*parts, *self.towers.values(), *([self.bridge] if self.bridge else [])]


def geometry_of(
    model: Model, encoders: Mapping[str, Encoder], pins: Mapping[str, PinSource], root: Path, steps: int
) -> Geometry:
    """The model of params on a GPU (`auto` is bfloat16 there); `GeometryError` where no config is at hand."""
    need_published(model)
    kind, join, halves = PIPELINES[model.adapter]
    towers = {name: _tower(encoders[name], model, pins, root) for name in model.towers}
    bridge = None
    if model.adapter == "pea_diffusion":
        bridge, join = _pea(model)
    assert join is not None
    condition = join([tower.run(tokens_of(tower.max_tokens)) for tower in towers.values()])
    source = pins[model.pin]
    pipe = _pipe(kind, lambda part: _config(source, part, root), dtype_on_gpu(model.runtime))
    system = PipelineSystem(
        pipe, list(towers.values()), edited_index(model), join, settings_of(model, steps), Batches(),
        dict(condition) if halves else {},
    )  # fmt: skip
    return Geometry(system, towers, condition, bridge)


def tokens_of(count: int) -> Tokens:
    """A prompt of `count` real tokens, on the meta device: no padding, so no mask that asks for numbers."""
    ids = torch.ones(1, count, dtype=torch.long, device=META)
    real = torch.ones(1, count, dtype=torch.bool, device=META)
    return Tokens(ids, real, ~real, [[(0, 0)] * count])


def dtype_on_gpu(how: Runtime) -> torch.dtype:
    """The weights' type on a GPU."""
    return torch.bfloat16 if how.dtype == "auto" else getattr(torch, how.dtype)


def _pipe(kind: Any, config_of: Callable[[str], dict[str, Any]], dtype: torch.dtype) -> Any:
    slots = inspect.signature(kind.__init__).parameters
    parts: dict[str, Any] = {}
    for name in ("vae", next(name for name in DENOISERS if name in slots)):
        config = config_of(name)
        parts[name] = built(getattr(diffusers, config["_class_name"]), config, dtype)
    config = config_of("scheduler")
    parts["scheduler"] = getattr(diffusers, config["_class_name"]).from_config(config)
    others = {name: None for name, slot in slots.items() if name != "self" and slot.default is inspect.Parameter.empty}
    unchecked = {name: False for name in ("requires_safety_checker", "add_watermarker") if name in slots}
    pipe = kind(**{**others, **parts, **unchecked})
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _tower(source: Encoder, model: Model, pins: Mapping[str, PinSource], root: Path) -> HubEncoder:
    part = "text" if source.adapter == "open_clip" else source.subfolder or "text_encoder"
    config = _config(pins[source.pin], part, root)
    how = attention_of(source.runtime)
    limit = T5_TOKENS.get(model.adapter, CLIP_TOKENS) if config.get("model_type") == "t5" else CLIP_TOKENS
    tokenizer = SimpleNamespace(is_fast=True, model_max_length=source.max_tokens or limit)
    with META:
        if source.adapter == "altdiffusion":
            tower: HubEncoder = AltEncoder(config, tokenizer, how, masked=False)
        else:
            kind: Any = getattr(transformers, config["architectures"][0])
            chosen = kind.config_class(**{name: value for name, value in config.items() if name != "architectures"})
            chosen._attn_implementation = how
            tower = HubEncoder(kind(chosen), tokenizer, masked=False, penultimate=source.reads == "penultimate")
    tower.max_tokens = source.max_tokens or (CONTEXT if source.adapter == "open_clip" else limit)
    return tower.to(dtype_on_gpu(source.runtime)).eval().requires_grad_(False)


def _pea(model: Model) -> tuple[nn.Module, Join]:
    with META:
        adapter = Adapter(**published()["OPPOer/PEA-Diffusion"]["adapter"]).to(dtype_on_gpu(model.runtime))

    def join(states: Any) -> dict[str, Tensor]:
        pooled, embeds = adapter(take(states[0], "last", "XLM-R"))
        return {"prompt_embeds": embeds, "pooled_prompt_embeds": pooled}

    return adapter.eval().requires_grad_(False), join


def _config(source: PinSource, part: str, root: Path) -> dict[str, Any]:
    name = "scheduler_config.json" if part == "scheduler" else "config.json"
    path = root / source.folder / part / name
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    known = published().get(source.repo or "", {})
    if part not in known:
        raise GeometryError(
            f"{path} is not there, and no config of {part} of {source.repo or source.folder} is known; "
            "fetch the weights first (`culturebench pins fetch`)"
        )
    return known[part]
