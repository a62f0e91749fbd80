"""How near a system comes to a reference picture: what enhancers train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.noise import NoiseLevels, diffusion_levels


class Estimate(NamedTuple):
    """What a denoiser gives for noised latents (b, ...)."""

    clean: Tensor  # the estimate of x0
    predicted: Tensor  # what it said itself: noise, velocity or x0


class Denoising(Protocol):
    """A system through which gradients flow from latents to the text conditioning; none of its own weights move."""

    @property
    def encoder(self) -> TextEncoder:
        """The tower that is edited."""
        ...

    @property
    def denoiser(self) -> nn.Module:
        """The UNet or transformer."""
        ...

    @property
    def levels(self) -> int:
        """Number of noise levels; the last is the noisiest."""
        ...

    @property
    def rows_at_once(self) -> int | None:
        """Most rows of one pass; None: all."""
        ...

    @property
    def device(self) -> torch.device:
        """Where latents are."""
        ...

    def noise_levels(self, latents: Tensor) -> NoiseLevels:
        """The levels for latents (b, ...) of this size, and what the denoiser predicts of them."""
        ...

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """Pixels (b, 3, size, size) in -1..1 of pictures of any size and shape, cut to squares."""
        ...

    def latents(self, pixels: Tensor) -> Tensor:
        """Latents (b, ...) of pixels, as the denoiser takes them."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (b, 3, size, size), about -1..1, of latents; gradients flow."""
        ...

    def conditions(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """What the backbone reads of the prompts, under the edits in force; gradients flow."""
        ...

    def estimate(self, condition: Mapping[str, Tensor], clean: Tensor, noise: Tensor, times: Tensor) -> Estimate:
        """As seen from noise levels `times` (b,), without guidance; gradients flow to `condition`."""
        ...

    def sample(self, condition: Mapping[str, Tensor], noise: Tensor, last: int) -> Tensor:
        """Latents (b, ...) sampled from `noise` under the system's own guidance; gradients through the `last` steps."""
        ...

    def use_checkpointing(self) -> None:
        """Keep no activations inside of the denoiser's and the autoencoder's blocks: less memory, one more pass."""
        ...


class AtlasSystem(Protocol):
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

    def sample(self, embeds: Tensor, latents: Tensor, last: int = 0) -> Tensor:
        """Latents that the sampler makes of noise."""
        ...


class AtlasDenoising:
    """`Denoising` of the atlas: a row has a noise level of its own, and there is no guidance."""

    rows_at_once = None
    device = torch.device("cpu")

    def __init__(self, system: AtlasSystem) -> None:
        self.system = system
        self.size = int(system.vae.config.sample_size)  # pixels a side
        self._schedule: NoiseLevels = diffusion_levels(system.scheduler_config)
        for part in ("unet", "vae"):
            module: nn.Module = getattr(system, part)
            module.requires_grad_(False)

    @property
    def encoder(self) -> TextEncoder:
        """The only tower."""
        return self.system.encoder

    @property
    def denoiser(self) -> nn.Module:
        """The UNet."""
        return self.system.unet

    @property
    def levels(self) -> int:
        """Number of noise levels; the last is the noisiest."""
        return len(self._schedule.times)

    def noise_levels(self, latents: Tensor) -> NoiseLevels:
        """Those of its scheduler, whatever the size."""
        return self._schedule

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """Pixels (b, 3, size, size) in -1..1."""
        return square_pixels(images, self.size)

    @torch.no_grad()
    def latents(self, pixels: Tensor) -> Tensor:
        """Scaled latents of pixels (b, 3, size, size)."""
        return self.system.encode_images(pixels)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (b, 3, size, size) of latents."""
        return self.system.decode(latents)

    def conditions(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """`prompt_embeds` (b, tokens, d)."""
        return self.encoder.run(self.encoder.tokenize(prompts))

    def estimate(self, condition: Mapping[str, Tensor], clean: Tensor, noise: Tensor, times: Tensor) -> Estimate:
        """Of latents (b, c, h, w) at noise levels `times` (b,)."""
        noisy = self._schedule.noised(clean, noise, times)
        predicted = self.system.unet(noisy, times, condition["prompt_embeds"]).sample
        return Estimate(self._schedule.restored(noisy, predicted, times), predicted)

    def sample(self, condition: Mapping[str, Tensor], noise: Tensor, last: int) -> Tensor:
        """Latents (b, c, h, w) that the sampler makes of `noise`."""
        return self.system.sample(condition["prompt_embeds"], noise, last)

    def use_checkpointing(self) -> None:
        """Keep no activations inside of blocks."""
        for module in (self.system.unet, self.system.vae):
            module.enable_gradient_checkpointing()


def denoising_of(system: Any) -> Denoising:
    """The objective of any system; `NoiseError` or `PipelineDenoisingError` where its parts do not allow it."""
    if not hasattr(system, "pipe"):
        return AtlasDenoising(system)
    from culturebench.text_to_image.pipeline_denoising import PipelineDenoising  # the atlas does without its imports

    return PipelineDenoising(system)


def square_pixels(images: Sequence[Image.Image], size: int) -> Tensor:
    """Pixels (b, 3, size, size) in -1..1 of the pictures' middle squares."""
    sized = [ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BOX) for image in images]
    return torch.from_numpy(np.stack([np.asarray(image) for image in sized])).permute(0, 3, 1, 2) / 127.5 - 1
