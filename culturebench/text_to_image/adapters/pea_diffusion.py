"""PEA-Diffusion: the text tower of a multilingual CLIP, a small adapter, and the frozen UNet of SDXL.

The adapter is the class MLP of tests/test_sdxl_zh.py in OPPO-Mente-Lab/PEA-Diffusion, without its residual.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diffusers import StableDiffusionXLPipeline
from safetensors.torch import load_file
from torch import Tensor, nn

from culturebench.text_to_image.adapters.parts import BackboneError
from culturebench.text_to_image.adapters.pipeline import PipelineSystem, assemble, take
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.runtime import device_of, dtype_of

if TYPE_CHECKING:
    from culturebench.params.models import Model


class Adapter(nn.Module):
    """Token states (b, tokens, d) -> pooled (b, p) and token embeddings (b, tokens, e)."""

    def __init__(self, d: int, hidden: int, pooled: int, embeds: int) -> None:
        super().__init__()
        self.layernorm = nn.LayerNorm(d)
        self.projector = nn.Sequential(
            nn.Linear(d, hidden, bias=False),
            nn.GELU(),
            nn.Linear(hidden, hidden, bias=False),
            nn.GELU(),
            nn.Linear(hidden, pooled, bias=False),
        )
        self.fc = nn.Linear(pooled, embeds)

    @classmethod
    def from_folder(cls, folder: Path) -> Adapter:
        """The adapter in the folder's only safetensors file, its widths read from the tensors."""
        files = sorted(folder.rglob("*.safetensors"))
        if len(files) != 1:
            found = ", ".join(file.relative_to(folder).as_posix() for file in files) or "none"
            raise BackboneError(
                f"{folder} must hold one adapter as safetensors, found: {found}; convert a .bin with "
                "`culturebench pins convert FILE` and keep one adapter in the folder that models.*.bridge pins"
            )
        weights = load_file(files[0])
        try:
            (hidden, d), (embeds, pooled) = weights["projector.0.weight"].shape, weights["fc.weight"].shape
            adapter = cls(d, hidden, pooled, embeds)
            adapter.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        except (KeyError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise BackboneError(f"{files[0]} is no adapter of PEA-Diffusion: {reason}") from None
        return adapter.eval().requires_grad_(False)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled and token embeddings; padding counts in the mean, as it did in training."""
        projected = self.projector(self.layernorm(states))
        return projected.mean(dim=1), self.fc(nn.functional.gelu(projected))


def load(model: Model, towers: Sequence[TextEncoder], backbone: Path, bridge: Path, steps: int) -> PipelineSystem:
    """The system of SDXL's folder in the hub's layout and the adapter in `bridge`."""
    how = model.runtime
    device, dtype = device_of(how), dtype_of(how, how.bridge)
    adapter = Adapter.from_folder(bridge).to(device, dtype)

    def join(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        last = take(states[0], "last", "XLM-R").to(device, dtype)
        pooled, embeds = adapter(last)
        return {"prompt_embeds": embeds, "pooled_prompt_embeds": pooled}

    return assemble(StableDiffusionXLPipeline, join, model, towers, backbone, steps, add_watermarker=False)
