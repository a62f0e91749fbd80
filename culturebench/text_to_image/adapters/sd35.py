"""Stable Diffusion 3.5 (medium, large): CLIP-L and CLIP-bigG side by side, T5-XXL behind them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import StableDiffusion3Pipeline
from torch import Tensor

from culturebench.text_to_image.adapters.pipeline import PipelineSystem, assemble, take
from culturebench.text_to_image.base import TextEncoder

if TYPE_CHECKING:
    from culturebench.params.models import Model


def join(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """`prompt_embeds` (b, CLIP tokens + T5 tokens, d of T5) and `pooled_prompt_embeds` (b, d1 + d2)."""
    small, large, t5 = states
    both = torch.cat([take(state, "penultimate", "CLIP") for state in (small, large)], dim=-1)
    last = take(t5, "last", "T5")
    padded = torch.nn.functional.pad(both, (0, last.shape[-1] - both.shape[-1]))
    pooled = torch.cat([take(state, "pooled", "CLIP") for state in (small, large)], dim=-1)
    return {"prompt_embeds": torch.cat([padded, last], dim=-2), "pooled_prompt_embeds": pooled}


def load(model: Model, towers: Sequence[TextEncoder], backbone: Path, steps: int) -> PipelineSystem:
    """The system of a pipeline's folder in the hub's layout."""
    return assemble(StableDiffusion3Pipeline, join, model, towers, backbone, steps)
