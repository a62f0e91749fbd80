"""A trained adapter as an intervention, on a system of this project or on a plain pipeline of diffusers."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from culturebench.code import code_hash
from culturebench.interventions.adapters import files
from culturebench.interventions.adapters.lora import Lora, Watch
from culturebench.pins import sha256_of
from culturebench.text_to_image.adapters.parts import denoiser_of
from culturebench.text_to_image.base import TextToImage

#: Code of ours that decides what an adapter does.
CODE = tuple(f"interventions/adapters/{name}.py" for name in ("gating", "lora", "sites"))


@dataclass(frozen=True)
class DenoiserAdapter:
    """An adapter at a scale; its `description` is the weights' sha256, the scale and the code's digest."""

    lora: Lora
    scale: float
    description: Mapping[str, Any]
    watch: Watch | None = field(default=None, compare=False)

    @property
    def part(self) -> Literal["denoiser"]:
        """All latents of a batch."""
        return "denoiser"

    def applied(self, system: TextToImage) -> AbstractContextManager[None]:
        """Within the block the system's denoiser is adapted."""
        return self.lora.attached(system.denoiser, self.scale, self.watch)


def adapted(folder: Path, scale: float, watch: Watch | None = None) -> DenoiserAdapter:
    """The intervention of the adapter in `folder`; `AdapterError` when it cannot be read."""
    weights = files.weights_path(folder)
    description = {"kind": "adapter", "weights": sha256_of(weights), "scale": scale, "code": code_hash(*CODE)}
    return DenoiserAdapter(files.load(folder), scale, description, watch)


@contextmanager
def lora(pipe: Any, folder: str | os.PathLike[str], *, scale: float = 1.0) -> Generator[None]:
    """Within the block the pipeline's UNet or transformer is adapted, in both halves of the guidance.

    `folder` is what train_adapter wrote, such as models/adapter/<model>/<adapter>, gated or not. `AdapterError` or
    `BackboneError` for what does not fit; afterwards, also after an exception, nothing of it is left on the pipeline.
    """
    with files.load(Path(folder)).attached(denoiser_of(pipe), scale):
        yield
