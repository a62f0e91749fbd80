"""Training the KL autoencoder: 64 x 64 x 3 pictures to 16 x 16 x 8 latents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from culturebench.atlas.training.cases import draw_region, draw_scene, pixels, to_float
from culturebench.atlas.training.loop import train

LATENT_CHANNELS = 8
#: Of the mean KL divergence a latent number: just enough to keep the latents' scale in hand.
KL_WEIGHT = 1e-3
PICTURES = 8000


def new_autoencoder() -> AutoencoderKL:
    """An untrained autoencoder of the atlas's geometry."""
    blocks = (24, 48, 96)
    library: Any = AutoencoderKL  # its own annotations fit neither its tuples nor its `to`
    return library(
        block_out_channels=blocks,
        down_block_types=("DownEncoderBlock2D",) * len(blocks),
        up_block_types=("UpDecoderBlock2D",) * len(blocks),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
    )


def picture_bank(count: int, seed: int) -> Tensor:
    """(count, 3, 64, 64) uint8 pictures, a fifth of them plain."""
    rng = np.random.default_rng([2, seed])
    return pixels([draw_scene(rng, region="" if rng.random() < 0.2 else draw_region(rng)) for _ in range(count)])


def train_autoencoder(work: Path, steps: int, size: int = 24) -> AutoencoderKL:
    """Train by L1, L2 and a small KL term, and set the scaling factor to 1 / std of the latents; resumable."""
    torch.manual_seed(0)
    model: Any = new_autoencoder()
    model.to(memory_format=torch.channels_last)
    bank = picture_bank(PICTURES, 0)

    def loss_of_step(step: int) -> Tensor:
        images = _draw(bank, np.random.default_rng([3, step]), size)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = model.encode(images).latent_dist
            noise = torch.randn(posterior.mean.shape, generator=torch.Generator().manual_seed(step))
            restored = model.decode(posterior.mean + posterior.std * noise).sample
        return _error(restored, images) + KL_WEIGHT * posterior.kl().mean() / posterior.mean[0].numel()

    train(model, loss_of_step, steps=steps, rate=2e-3, checkpoint=work / "autoencoder.safetensors", ema_decay=0.995)
    model.eval()
    with torch.no_grad():
        latents = model.encode(to_float(bank[:512])).latent_dist.mode()
    model.register_to_config(scaling_factor=round(1 / float(latents.std()), 4))
    return model


def refine_decoder(model: Any, work: Path, steps: int, size: int = 24) -> None:
    """Train the decoder on, in place, with the encoder frozen: the latents, and all that was trained on them, stay."""
    bank = picture_bank(PICTURES, 1)
    model.encoder.requires_grad_(False)
    decoder = nn.ModuleList([model.post_quant_conv, model.decoder])

    def loss_of_step(step: int) -> Tensor:
        images = _draw(bank, np.random.default_rng([4, step]), size)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                latents = model.encode(images).latent_dist.mode()
            noise = 0.05 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(step))
            restored = model.decode(latents + noise).sample
        return _error(restored, images)

    train(decoder, loss_of_step, steps=steps, rate=1e-3, checkpoint=work / "decoder.safetensors", ema_decay=0.995)
    model.eval()


def _draw(bank: Tensor, rng: np.random.Generator, size: int) -> Tensor:
    images = to_float(bank[torch.from_numpy(rng.integers(len(bank), size=size))])
    return images.contiguous(memory_format=torch.channels_last)


def _error(restored: Tensor, images: Tensor) -> Tensor:
    error = (restored.float() - images).abs()
    return error.mean() + 0.5 * error.square().mean()
