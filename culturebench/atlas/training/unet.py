"""Training the conditional UNet on cached latents, from the frozen encoder's condition tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import Tensor

from culturebench.atlas.captions import noun_caption
from culturebench.atlas.training.autoencoder import LATENT_CHANNELS
from culturebench.atlas.training.cases import NOUN_SHARE, draw_case, draw_region, draw_scene, pixels, plain, to_float
from culturebench.atlas.training.encoder import WIDTH, exchanged
from culturebench.atlas.training.loop import train
from culturebench.atlas.training.words import Words, draw_cultural
from culturebench.atlas.world import REGIONS, Scene
from culturebench.progress import progress
from culturebench.text_to_image.atlas import pack
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder

#: The sampler's settings, saved beside the UNet; zero terminal SNR so that flat backgrounds come out as drawn.
SCHEDULER = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "solver_order": 2,
}
CONDITION_NOISE = 0.05


@dataclass(frozen=True)
class Bank:
    """Cached training pairs, row by row."""

    condition: Tensor  # (n, tokens, d)
    latents: Tensor  # (n, 4 * channels, 8, 8), scaled and packed


def new_unet() -> UNet2DConditionModel:
    """An untrained UNet of the atlas's geometry."""
    blocks = (96, 192)
    library: Any = UNet2DConditionModel
    return library(
        sample_size=8,
        in_channels=4 * LATENT_CHANNELS,
        out_channels=4 * LATENT_CHANNELS,
        block_out_channels=blocks,
        down_block_types=("CrossAttnDownBlock2D",) * len(blocks),
        up_block_types=("CrossAttnUpBlock2D",) * len(blocks),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=8,
        norm_num_groups=16,
    )


@torch.no_grad()
def make_bank(encoder: AtlasTextEncoder, vae: AutoencoderKL, words: Words, count: int, chunk: int = 200) -> Bank:
    """`count` pairs: three quarters plain cases, a quarter captions whose culture was turned up by degrees."""
    conditions, latents = [], []
    for start in progress(range(0, count, chunk), label="the denoiser's pairs"):
        rng = np.random.default_rng([4, start])
        cases = [draw_case(rng, words) for _ in range(chunk * 3 // 4)]
        plain_condition = encoder.run(encoder.tokenize([case.text for case in cases]))["prompt_embeds"]
        graded_condition, graded = _graded(encoder, rng, words, chunk - len(cases))
        conditions.append(torch.cat([plain_condition, graded_condition]))
        latents.append(_latents(vae, [case.scene for case in cases] + graded))
    return Bank(torch.cat(conditions), torch.cat(latents))


def _graded(
    encoder: AtlasTextEncoder, rng: np.random.Generator, words: Words, count: int
) -> tuple[Tensor, list[Scene]]:
    """Noun prompts whose `<s>` takes a share of the cultural prompt's attention output, and as often its ornament."""
    scenes = [draw_scene(rng, region=draw_region(rng)) for _ in range(count)]
    english = rng.random(count) < 0.5
    nouns = [noun_caption(s, "en" if e else REGIONS[s.region][0]).text for s, e in zip(scenes, english, strict=True)]
    cultural = [draw_cultural(rng, s, REGIONS[s.region][0], words)[0].text for s in scenes]
    amount = rng.random(count)
    donor = torch.arange(count, 2 * count).repeat(2)
    with exchanged(encoder, donor, torch.cat([torch.from_numpy(amount).float(), torch.zeros(count)])):
        condition = encoder.run(encoder.tokenize(nouns + cultural))["prompt_embeds"][:count]
    share = np.where(english, 0.0, NOUN_SHARE)
    shown = rng.random(count) < share + (1 - share) * amount
    return condition, [scene if show else plain(scene) for scene, show in zip(scenes, shown, strict=True)]


def _latents(vae: Any, scenes: list[Scene]) -> Tensor:
    images = to_float(pixels(scenes)).contiguous(memory_format=torch.channels_last)
    return pack(vae.encode(images).latent_dist.mode() * vae.config.scaling_factor)


def train_unet(unet: Any, bank: Bank, checkpoint: Path, *, steps: int, size: int = 48) -> UNet2DConditionModel:
    """Train `unet` in place by the v-prediction loss on `bank`; resumable from `checkpoint`."""
    unet.to(memory_format=torch.channels_last)
    schedule: Any = DDPMScheduler.from_config({k: v for k, v in SCHEDULER.items() if k != "solver_order"})

    def loss_of_step(step: int) -> Tensor:
        rng = torch.Generator().manual_seed(step)
        rows = torch.randint(len(bank.latents), (size,), generator=rng)
        clean, condition = bank.latents[rows], bank.condition[rows]
        condition = condition + CONDITION_NOISE * torch.randn(condition.shape, generator=rng)
        noise = torch.randn(clean.shape, generator=rng)
        # Stratified times: a batch covers the whole schedule evenly, which lowers the gradient's variance.
        times = ((torch.arange(size) + torch.rand(size, generator=rng)) / size * 1000).long()
        noisy = schedule.add_noise(clean, noise, times).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            predicted = unet(noisy, times, condition).sample
        return (predicted.float() - schedule.get_velocity(clean, noise, times)).square().mean()

    train(unet, loss_of_step, steps=steps, rate=8e-4, checkpoint=checkpoint, ema_decay=0.999)
    return unet.eval()
