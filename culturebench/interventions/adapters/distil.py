"""The cultural loss's projection, trained before the LoRA to say of latents what the picture tower says of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from culturebench.interventions.adapters.cultural_loss import Projection
from culturebench.interventions.adapters.space import Space
from culturebench.png import from_png
from culturebench.text_to_image.denoising import Denoising

STEPS, BATCH, RATE, DECAY = 600, 128, 2e-3, 1e-2  # AdamW's
HELD_OUT = 8  # one picture in so many


class Distilled(NamedTuple):
    """A frozen projection, and its mean cosine to the picture tower on the pictures that were held out."""

    projection: Projection
    cosine: float


@torch.no_grad()
def _embedded(task: Denoising, space: Space, pictures: Sequence[bytes], at_once: int = 32) -> tuple[Tensor, Tensor]:
    """Latents (n, ...) and the picture tower's unit vectors (n, d)."""
    latents: list[Tensor] = []
    vectors: list[Tensor] = []
    for start in range(0, len(pictures), at_once):
        pixels = task.pixels([from_png(picture) for picture in pictures[start : start + at_once]])
        latents.append(task.latents(pixels))
        vectors.append(space.embed_pixels(pixels))
    return torch.cat(latents), torch.cat(vectors)


def distil(task: Denoising, space: Space, pictures: Sequence[bytes], side: int, seed: int) -> Distilled:
    """Half of each batch's latents are clean, half have the noise of a level drawn evenly."""
    latents, vectors = _embedded(task, space, pictures)
    held = max(1, len(pictures) // HELD_OUT)
    levels, random = task.noise_levels(latents), torch.Generator().manual_seed(seed)
    projection = Projection(latents.shape[1:], side, vectors.shape[1], seed).to(latents.device)
    optimizer = torch.optim.AdamW(projection.parameters(), RATE, weight_decay=DECAY, fused=True)
    for _ in range(STEPS):
        rows = held + torch.randint(len(pictures) - held, (BATCH,), generator=random)
        noise = torch.randn(latents[rows].shape, generator=random).to(latents.device)
        times = torch.randint(task.levels, (BATCH,), generator=random)
        noised = levels.noised(latents[rows], noise, times)
        clean = (torch.arange(BATCH) < BATCH // 2).view(-1, *[1] * (latents.dim() - 1)).to(latents.device)
        given = torch.where(clean, latents[rows], noised)
        optimizer.zero_grad()
        (1 - (projection(given) * vectors[rows]).sum(dim=1)).mean().backward()
        optimizer.step()
    projection.requires_grad_(False)
    with torch.no_grad():
        cosine = float((projection(latents[:held]) * vectors[:held]).sum(dim=1).mean())
    return Distilled(projection, cosine)
