"""AltDiffusion (m9, m18): XLM-R-large behind the UNet of Stable Diffusion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diffusers import StableDiffusionPipeline
from torch import Tensor

from culturebench.text_to_image.adapters.pipeline import PipelineSystem, assemble, take
from culturebench.text_to_image.base import TextEncoder

if TYPE_CHECKING:
    from culturebench.params.models import Model


def join(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """`prompt_embeds` (b, tokens, d), as the tower's own transformation gives them."""
    return {"prompt_embeds": take(states[0], "prompt_embeds", "XLM-R")}


def load(model: Model, towers: Sequence[TextEncoder], backbone: Path, steps: int) -> PipelineSystem:
    """The system of a folder in the hub's layout, whose `model_index.json` names a pipeline that is gone."""
    return assemble(StableDiffusionPipeline, join, model, towers, backbone, steps, requires_safety_checker=False)
