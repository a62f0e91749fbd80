"""The picture tower: trained to tell ornament and object of drawn pictures, then frozen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from culturebench.atlas.training.cases import ORNAMENTS, PICTURE_SIZE, draw_region, draw_scene, pixels
from culturebench.atlas.training.judges import roughened
from culturebench.atlas.training.loop import train
from culturebench.atlas.world import OBJECTS, Scene

PATCH, MERGE = 8, 2
SIDE = PICTURE_SIZE // PATCH
TOKENS = (SIDE // MERGE) ** 2
PLAIN_SHARE = 0.125


@dataclass(frozen=True)
class Bank:
    """Drawn pictures (n, 3, 64, 64) uint8 and their scenes."""

    images: Tensor
    scenes: list[Scene]


def make_bank(count: int, seed: int, *, held_out: bool = False, plain: float = PLAIN_SHARE) -> Bank:
    """`count` drawn pictures, a share `plain` of them without ornament."""
    rng = np.random.default_rng([8, seed])
    scenes = [
        draw_scene(rng, held_out=held_out, region="" if rng.random() < plain else draw_region(rng))
        for _ in range(count)
    ]
    return Bank(pixels(scenes), scenes)


def patches(images: Tensor) -> tuple[Tensor, Tensor]:
    """What the library's processor makes of pictures (b, 3, 64, 64) in -1..1: patches (b x 64, 192) and grids (b, 3).

    Patches of one merged token stand together.
    """
    count = len(images)
    blocks = SIDE // MERGE
    cut = images.reshape(count, 3, blocks, MERGE, PATCH, blocks, MERGE, PATCH)
    rows = cut.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(count * SIDE * SIDE, 3 * PATCH * PATCH)
    return rows, torch.tensor([[1, SIDE, SIDE]]).expand(count, -1)


class Heads(nn.Module):
    """The tower with two linear heads on its tokens: ornament (or plain) and object."""

    def __init__(self, tower: nn.Module, width: int) -> None:
        super().__init__()
        self.tower = tower
        self.ornament = nn.Linear(width, len(ORNAMENTS))
        self.object = nn.Linear(width * TOKENS, len(OBJECTS))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Ornament and object logits of pictures (b, 3, 64, 64) in -1..1."""
        rows, grid = patches(images)
        tokens = self.tower(rows, grid_thw=grid).pooler_output.reshape(len(images), TOKENS, -1)
        return self.ornament(tokens.mean(1)), self.object(tokens.flatten(1))


def train_tower(tower: Any, bank: Bank, work: Path, steps: int, size: int = 64) -> Heads:
    """Train the tower on `bank`; resumable from `work`."""
    torch.manual_seed(11)
    model = Heads(tower, tower.config.out_hidden_size)
    ornament = torch.tensor([ORNAMENTS.index(f"{s.region}/{s.subdivision}" if s.region else "") for s in bank.scenes])
    thing = torch.tensor([OBJECTS.index(scene.object) for scene in bank.scenes])

    def loss_of_step(step: int) -> Tensor:
        rng = torch.Generator().manual_seed(step)
        rows = torch.randint(len(bank.images), (size,), generator=rng)
        shown, seen = model(roughened(bank.images[rows], rng))
        loss = F.cross_entropy(shown, ornament[rows], label_smoothing=0.02)
        return loss + F.cross_entropy(seen, thing[rows], label_smoothing=0.02)

    train(model, loss_of_step, steps=steps, rate=2e-3, checkpoint=work / "vlm_tower.safetensors", ema_decay=0.99)
    return model.eval()
