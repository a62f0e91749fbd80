"""Stable Diffusion XL: CLIP-L and CLIP-bigG, both read before their last block, the second pooled as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from culturebench.text_to_image.adapters.parts import read_index
from culturebench.text_to_image.adapters.pipeline import PipelineSystem, assemble, take
from culturebench.text_to_image.base import TextEncoder

if TYPE_CHECKING:
    from culturebench.params.models import Model


def join(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """`prompt_embeds` (b, tokens, d1 + d2) and `pooled_prompt_embeds` (b, d2)."""
    small, large = states
    both = [take(state, "penultimate", "CLIP") for state in (small, large)]
    return {"prompt_embeds": torch.cat(both, dim=-1), "pooled_prompt_embeds": take(large, "pooled", "CLIP-bigG")}


def load(model: Model, towers: Sequence[TextEncoder], backbone: Path, steps: int) -> PipelineSystem:
    """The system of a pipeline's folder in the hub's layout."""
    system = assemble(StableDiffusionXLPipeline, join, model, towers, backbone, steps, add_watermarker=False)
    if not model.negative_prompt and read_index(backbone).get("force_zeros_for_empty_prompt", True):
        system.negative = {name: torch.zeros_like(tensor) for name, tensor in system.negative.items()}
    return system
