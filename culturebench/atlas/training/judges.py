"""Training the two judges and the dual encoder on drawn pictures, roughened as a picture model roughens them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from culturebench.atlas.alignment import DualEncoder, token_ids
from culturebench.atlas.judges import ARCHITECTURES, REGION_CLASSES
from culturebench.atlas.training.cases import draw_case, draw_region, draw_scene, pixels, to_float
from culturebench.atlas.training.loop import train
from culturebench.atlas.world import OBJECTS, Scene


@dataclass(frozen=True)
class JudgeBank:
    """Pictures with their region and object classes."""

    images: Tensor  # (n, 3, 64, 64) uint8
    region: Tensor  # (n,)
    object: Tensor  # (n,)


def labels(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
    """Region and object class indices."""
    regions = [REGION_CLASSES.index(scene.region or "plain") for scene in scenes]
    return torch.tensor(regions), torch.tensor([OBJECTS.index(scene.object) for scene in scenes])


def make_judge_bank(count: int, vae: Any, seed: int) -> JudgeBank:
    """`count` drawn pictures, an eighth of them plain, and a third of them again as the autoencoder restores them."""
    rng = np.random.default_rng([5, seed])
    scenes = [draw_scene(rng, region="" if rng.random() < 0.125 else draw_region(rng)) for _ in range(count)]
    images = pixels(scenes)
    again = count // 3
    region, thing = labels([*scenes, *scenes[:again]])
    return JudgeBank(torch.cat([images, restored(images[:again], vae, seed)]), region, thing)


@torch.no_grad()
def restored(images: Tensor, vae: Any, seed: int, chunk: int = 64) -> Tensor:
    """The pictures through the autoencoder, its latents disturbed by up to a quarter of their spread."""
    rng = torch.Generator().manual_seed(seed)
    out: list[Tensor] = []
    for part in images.split(chunk):
        latents = vae.encode(to_float(part)).latent_dist.mode()
        spread = 0.25 * torch.rand(len(part), 1, 1, 1, generator=rng) / vae.config.scaling_factor
        decoded = vae.decode(latents + spread * torch.randn(latents.shape, generator=rng)).sample
        out.append(((decoded.clamp(-1, 1) + 1) * 127.5).round().byte())
    return torch.cat(out)


def roughened(images: Tensor, rng: torch.Generator) -> Tensor:
    """Pictures in -1..1, shifted, blurred by re-scaling, with noise and another brightness."""
    out = to_float(images)
    shift = torch.randint(-3, 4, (2,), generator=rng).tolist()
    out = torch.roll(F.pad(out, (3, 3, 3, 3), mode="replicate"), shift, dims=(2, 3))[:, :, 3:-3, 3:-3]
    if torch.rand(1, generator=rng) < 0.4:
        small = int(torch.randint(36, 60, (1,), generator=rng))
        out = F.interpolate(F.interpolate(out, size=small, mode="area"), size=64, mode="bilinear", antialias=False)
    brightness = 1 + 0.15 * (torch.rand(len(out), 1, 1, 1, generator=rng) - 0.5)
    noise = 0.12 * torch.rand(len(out), 1, 1, 1, generator=rng)
    return (out * brightness + noise * torch.randn(out.shape, generator=rng)).clamp(-1, 1)


def train_judge(architecture: str, bank: JudgeBank, work: Path, steps: int, size: int = 64) -> nn.Module:
    """Train one judge on region and object; resumable from `work`."""
    torch.manual_seed(sum(map(ord, architecture)))
    model = ARCHITECTURES[architecture]()

    def loss_of_step(step: int) -> Tensor:
        rng = torch.Generator().manual_seed(step)
        rows = torch.randint(len(bank.images), (size,), generator=rng)
        region, thing = model(roughened(bank.images[rows], rng))
        loss = F.cross_entropy(region, bank.region[rows], label_smoothing=0.02)
        return loss + F.cross_entropy(thing, bank.object[rows], label_smoothing=0.02)

    train(model, loss_of_step, steps=steps, rate=1e-3, checkpoint=work / f"{architecture}.safetensors", ema_decay=0.99)
    return model.eval()


def train_alignment(tokenizer: Tokenizer, vae: Any, work: Path, steps: int, size: int = 96) -> DualEncoder:
    """Train the dual encoder by a symmetric contrastive loss on captions of every kind that fit; resumable."""
    torch.manual_seed(7)
    model = DualEncoder(tokenizer.get_vocab_size())
    rng = np.random.default_rng(6)
    cases = [draw_case(rng) for _ in range(12000)]
    images = pixels([case.scene for case in cases])
    images[::3] = restored(images[::3], vae, seed=6)
    ids = token_ids(tokenizer, [case.text for case in cases])

    def loss_of_step(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(step)
        rows = torch.randint(len(cases), (size,), generator=generator)
        pictures = model.encode_pictures(roughened(images[rows], generator))
        logits = pictures @ model.encode_texts(ids[rows]).T * model.temperature.clamp(max=4.0).exp()
        target = torch.arange(size)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2

    train(model, loss_of_step, steps=steps, rate=1e-3, checkpoint=work / "alignment.safetensors", ema_decay=0.99)
    return model.eval()
