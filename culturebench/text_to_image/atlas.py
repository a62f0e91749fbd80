"""The atlas system: a miniature AltDiffusion m18 of the same library classes.

XLM-R encoder whose picture model reads `transformation_pre(pre_LN(hidden_states[-2]))`, so that the last
layer has no effect; a KL autoencoder; a conditional UNet on packed latents. One difference: only the `<s>`
token is read, and becomes `CONDITION_TOKENS` condition tokens, so that all culture has to travel through attention.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel, UniPCMultistepScheduler
from PIL import Image
from torch import Tensor, nn

from culturebench.text_to_image.base import Conditioning
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder


class AtlasTextToImage:
    """Encoder, UNet, autoencoder and sampler; pictures of 64 x 64 px."""

    def __init__(
        self,
        encoder: AtlasTextEncoder,
        unet: UNet2DConditionModel,
        vae: AutoencoderKL,
        scheduler_config: dict[str, Any],
        steps: int,
    ) -> None:
        self.encoder = encoder
        self.unet: Any = unet
        self.vae: Any = vae
        for module in (self.unet, self.vae):
            module.to(memory_format=torch.channels_last)  # three times faster convolutions on a CPU
        self.scheduler_config = scheduler_config
        self.steps = steps

    @classmethod
    def from_folders(cls, encoder: AtlasTextEncoder, backbone: Path, steps: int = 8) -> AtlasTextToImage:
        """Read `unet/`, `vae/` (library layout) and `scheduler/scheduler_config.json` of the backbone folder."""
        unet: Any = UNet2DConditionModel.from_pretrained(
            backbone / "unet", torch_dtype=torch.float32, low_cpu_mem_usage=False
        )
        vae: Any = AutoencoderKL.from_pretrained(backbone / "vae", torch_dtype=torch.float32, low_cpu_mem_usage=False)
        config = json.loads((backbone / "scheduler/scheduler_config.json").read_text())
        return cls(encoder, unet.eval().requires_grad_(False), vae.eval().requires_grad_(False), config, steps)

    @property
    def denoiser(self) -> nn.Module:
        """The UNet."""
        return self.unet

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> Conditioning:
        """Conditioning of the prompts, under whatever edits are in force on `encoder`."""
        return Conditioning(self.encoder.run(self.encoder.tokenize(prompts)))

    @torch.no_grad()
    def generate(self, conditioning: Conditioning, seeds: Sequence[int]) -> list[Image.Image]:
        """One picture per row, its noise from its own seed; no guidance, so that shares in the data stay shares."""
        embeds = conditioning.tensors["prompt_embeds"]
        latents = torch.stack([self._noise(seed) for seed in seeds]).contiguous(memory_format=torch.channels_last)
        return to_images(self.decode(self.sample(embeds, latents)))

    def sample(self, embeds: Tensor, latents: Tensor, last: int = 0) -> Tensor:
        """Latents (b, c, h, w) that the sampler makes of noise; gradients flow through the `last` steps.

        UniPC (Zhao et al. 2023): at these timesteps its median error is that of DPM-Solver++ in half as many more.
        """
        scheduler: Any = UniPCMultistepScheduler.from_config(self.scheduler_config)
        scheduler.set_timesteps(self.steps)
        tracked = torch.is_grad_enabled()
        for index, step in enumerate(scheduler.timesteps):
            with torch.set_grad_enabled(tracked and index >= self.steps - last):
                velocity = self.unet(latents, step, embeds).sample
            latents = scheduler.step(velocity, step, latents).prev_sample
        return latents

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Scaled, packed latents (b, c, h, w) of pixels (b, 3, 64, 64) in -1..1."""
        return pack(self.vae.encode(pixels).latent_dist.mode() * self.vae.config.scaling_factor)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (b, 3, 64, 64), about -1..1, of scaled, packed latents."""
        return self.vae.decode(unpack(latents) / self.vae.config.scaling_factor).sample

    def _noise(self, seed: int) -> Tensor:
        config = self.unet.config
        shape = (config.in_channels, config.sample_size, config.sample_size)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pack(latents: Tensor) -> Tensor:
    """2 x 2 latent pixels into channels, (b, c, h, w) -> (b, 4c, h/2, w/2), as FLUX packs them: a cheaper UNet."""
    return F.pixel_unshuffle(latents, 2)


def unpack(latents: Tensor) -> Tensor:
    """The inverse of `pack`."""
    return F.pixel_shuffle(latents, 2)


def to_images(pixels: Tensor) -> list[Image.Image]:
    """RGB pictures of pixels (b, 3, h, w) in -1..1."""
    levels = ((pixels.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return [Image.fromarray(level) for level in levels]
