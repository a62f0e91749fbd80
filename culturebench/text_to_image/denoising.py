"""How well a system restores a noised reference picture: the objective that enhancers train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import DDPMScheduler
from PIL import Image
from torch import Tensor, nn

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import TextEncoder


class DenoisingError(CultureBenchError):
    """A system whose parts do not allow the objective."""


class LatentDiffusion(Protocol):
    """A system whose UNet and autoencoder can be reached."""

    @property
    def encoder(self) -> TextEncoder:
        """The prompt's way in."""
        ...

    unet: Any
    vae: Any
    scheduler_config: Mapping[str, Any]

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Latents of pixels (b, 3, h, w) in -1..1."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels of latents."""
        ...


class Denoising:
    """The one-step estimate of a noised reference, for the text conditioning that `encoder` gives."""

    def __init__(self, system: LatentDiffusion) -> None:
        self.system = system
        self.size = int(system.vae.config.sample_size)  # pixels a side
        self._schedule: Any = DDPMScheduler.from_config(dict(system.scheduler_config))
        for part in ("unet", "vae"):
            module: nn.Module = getattr(system, part)
            module.requires_grad_(False)

    @property
    def levels(self) -> int:
        """Number of noise levels; the last is the noisiest."""
        return int(self._schedule.config.num_train_timesteps)

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """Pixels (b, 3, size, size) in -1..1 of pictures of any size."""
        sized = [image.convert("RGB").resize((self.size, self.size), Image.Resampling.BOX) for image in images]
        return torch.from_numpy(np.stack([np.asarray(image) for image in sized])).permute(0, 3, 1, 2) / 127.5 - 1

    @torch.no_grad()
    def latents(self, pixels: Tensor) -> Tensor:
        """Scaled latents of pixels (b, 3, size, size)."""
        return self.system.encode_images(pixels)

    def estimate(self, condition: Mapping[str, Tensor], clean: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """x0 (b, c, h, w) as seen from noise levels `times` (b,); gradients flow to `condition`."""
        noisy = self._schedule.add_noise(clean, noise, times)
        predicted = self.system.unet(noisy, times, condition["prompt_embeds"]).sample
        kept = self._schedule.alphas_cumprod[times].view(-1, 1, 1, 1)
        kind = self._schedule.config.prediction_type
        if kind == "v_prediction":  # Salimans & Ho 2022, appendix D
            return kept.sqrt() * noisy - (1 - kept).sqrt() * predicted
        if kind == "epsilon":
            return (noisy - (1 - kept).sqrt() * predicted) / kept.sqrt()
        raise DenoisingError(f"the scheduler's prediction_type is {kind}; denoise knows v_prediction and epsilon")

    def error(self, estimate: Tensor, clean: Tensor, pixels: Tensor, space: str) -> Tensor:
        """Mean squared error in `space`: of decoded pixels, or of latents."""
        if space == "latent":
            return (estimate - clean).square().mean()
        return (self.system.decode(estimate) - pixels).square().mean()
