"""FLUX.1-dev: CLIP-L pooled, T5-XXL token by token; the guidance is distilled, so there is no second half."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diffusers import FluxPipeline
from torch import Tensor

from culturebench.text_to_image.adapters.pipeline import PipelineSystem, assemble, take
from culturebench.text_to_image.base import TextEncoder

if TYPE_CHECKING:
    from culturebench.params.models import Model


def join(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """`prompt_embeds` (b, tokens, d of T5) and `pooled_prompt_embeds` (b, d of CLIP)."""
    clip, t5 = states
    return {"prompt_embeds": take(t5, "last", "T5"), "pooled_prompt_embeds": take(clip, "pooled", "CLIP")}


def load(model: Model, towers: Sequence[TextEncoder], backbone: Path, steps: int) -> PipelineSystem:
    """The system of a pipeline's folder in the hub's layout."""
    return assemble(FluxPipeline, join, model, towers, backbone, steps, halves=1)
