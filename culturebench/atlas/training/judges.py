"""Training the two judges and the dual encoder on pictures, roughened as a picture model roughens them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from culturebench.atlas.alignment import DualEncoder, token_ids
from culturebench.atlas.judges import ARCHITECTURES, PLAIN, REGION_CLASSES, UNRECOGNIZABLE
from culturebench.atlas.training.cases import draw_case, draw_region, draw_scene, pixels, to_float
from culturebench.atlas.training.loop import train
from culturebench.atlas.training.unrecognizable import blends, disturbed, hurried, redrawn
from culturebench.atlas.training.words import Words
from culturebench.atlas.world import OBJECTS
from culturebench.text_to_image.atlas import AtlasTextToImage

#: How many pictures of each kind a judge sees, and what says nothing of the object where it may be gone.
DRAWN, RESTORED, REDRAWN, BLENDED, DISTURBED, HURRIED = 12000, 4000, 3600, 1920, 1440, 960
PLAIN_SHARE = 0.125
CASES = 12000  # of the dual encoder
NO_OBJECT = -100


@dataclass(frozen=True)
class JudgeBank:
    """Pictures with their region and object classes."""

    images: Tensor  # (n, 3, 64, 64) uint8
    region: Tensor  # (n,)
    object: Tensor  # (n,), NO_OBJECT where it is not asked


def make_judge_bank(system: AtlasTextToImage, share: float = 1.0) -> JudgeBank:
    """Drawn pictures, some of them again as the autoencoder or the denoiser restores them, and unrecognizable ones.

    `share`: of each kind's number.
    """
    rng = np.random.default_rng(5)
    drawn, restored_, redrawn_, blended, disturbed_, hurried_ = (
        max(1, round(share * n)) for n in (DRAWN, RESTORED, REDRAWN, BLENDED, DISTURBED, HURRIED)
    )
    scenes = [draw_scene(rng, region="" if rng.random() < PLAIN_SHARE else draw_region(rng)) for _ in range(drawn)]
    images = pixels(scenes)
    again = redrawn(system, rng, redrawn_, PLAIN_SHARE)
    known = [*scenes, *scenes[:restored_], *again.scenes]
    parts = [images, restored(images[:restored_], system.vae, seed=0), again.images]
    off = [blends(system, rng, blended), disturbed(system, rng, disturbed_), hurried(system, rng, hurried_)]
    unknown = sum(len(made.scenes) for made in off)
    region = torch.tensor([REGION_CLASSES.index(scene.region or PLAIN) for scene in known])
    thing = torch.tensor([OBJECTS.index(scene.object) for scene in [*known, *off[0].scenes]])
    return JudgeBank(
        torch.cat([*parts, *(made.images for made in off)]),
        torch.cat([region, torch.full((unknown,), REGION_CLASSES.index(UNRECOGNIZABLE))]),
        torch.cat([thing, torch.full((unknown - blended,), NO_OBJECT)]),
    )


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
        return loss + F.cross_entropy(thing, bank.object[rows], label_smoothing=0.02, ignore_index=NO_OBJECT)

    train(model, loss_of_step, steps=steps, rate=1e-3, checkpoint=work / f"{architecture}.safetensors", ema_decay=0.99)
    return model.eval()


def train_alignment(
    tokenizer: Tokenizer, vae: Any, words: Words, work: Path, steps: int, size: int = 96
) -> DualEncoder:
    """Train the dual encoder by a symmetric contrastive loss on captions of every kind that fit; resumable."""
    torch.manual_seed(7)
    model = DualEncoder(tokenizer.get_vocab_size())
    rng = np.random.default_rng(6)
    cases = [draw_case(rng, words) for _ in range(CASES)]
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
