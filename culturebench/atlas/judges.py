"""The atlas's two judges: a convolutional and an attentional classifier of region and object."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from culturebench.atlas.world import OBJECTS, REGIONS

SIZE = 64
#: Beside the regions' codes a judge can say that an object is plain, or that what covers it is no region's ornament.
PLAIN, UNRECOGNIZABLE = "plain", "unrecognizable"
REGION_CLASSES = (*REGIONS, PLAIN, UNRECOGNIZABLE)
WIDTH = 64


@dataclass(frozen=True)
class JudgeReply:
    """Probabilities of every region class, and the likeliest object."""

    region_scores: dict[str, float]
    object: str


def no_region(scores: Mapping[str, float]) -> float:
    """How likely a judge finds that no region's ornament is there: the object is plain, or what covers it is none."""
    return scores.get(PLAIN, 0.0) + scores.get(UNRECOGNIZABLE, 0.0)


class ConvolutionalJudge(nn.Module):
    """Four strided convolution blocks and a global average."""

    def __init__(self, classes: int = len(REGION_CLASSES)) -> None:
        super().__init__()
        widths = (3, 32, WIDTH, 96, 128)
        self.blocks = nn.Sequential(*(_block(a, b) for a, b in itertools.pairwise(widths)))
        self.region = nn.Linear(widths[-1], classes)
        self.object = nn.Linear(widths[-1] * 16, len(OBJECTS))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Region and object logits of pixels (b, 3, 64, 64) in -1..1."""
        maps = self.blocks(pixels)  # (b, 128, 4, 4)
        return self.region(maps.mean((2, 3))), self.object(maps.flatten(1))


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.GroupNorm(8, outputs), nn.SiLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU(),
    )  # fmt: skip


class AttentionalJudge(nn.Module):
    """A small vision transformer over 8 x 8 px patches with two class tokens."""

    def __init__(self, classes: int = len(REGION_CLASSES)) -> None:
        super().__init__()
        width = 96
        self.patches = nn.Conv2d(3, width, 8, stride=8)
        self.start = nn.Parameter(torch.randn(2, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(66, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 192, dropout=0.0, batch_first=True, norm_first=True)
        self.transformer = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.region = nn.Linear(width, classes)
        self.object = nn.Linear(width, len(OBJECTS))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Region and object logits of pixels (b, 3, 64, 64) in -1..1."""
        patches = self.patches(pixels).flatten(2).transpose(1, 2)  # (b, 64, d)
        tokens = torch.cat([self.start.expand(len(patches), -1, -1), patches], dim=1) + self.positions
        tokens = self.transformer(tokens)
        return self.region(tokens[:, 0]), self.object(tokens[:, 1])


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "convolutional": ConvolutionalJudge,
    "attentional": AttentionalJudge,
}


class AtlasJudge:
    """A trained judge; sees the picture and nothing else."""

    def __init__(self, folder: Path) -> None:
        """Read `config.json` (architecture, classes of the region) and `model.safetensors` of `folder`."""
        config = json.loads((folder / "config.json").read_text())
        self.classes: tuple[str, ...] = tuple(config["classes"])
        self.model = ARCHITECTURES[config["architecture"]](len(self.classes))
        weights = load_file(folder / "model.safetensors")
        self.model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        self.model.eval().requires_grad_(False)

    def answer(self, images: list[Image.Image], batch: int = 64) -> list[JudgeReply]:
        """One reply per picture, of any size."""
        replies: list[JudgeReply] = []
        for start in range(0, len(images), batch):
            region, thing = self.model(to_pixels(images[start : start + batch]))
            for scores, index in zip(region.softmax(1).tolist(), thing.argmax(1).tolist(), strict=True):
                replies.append(JudgeReply(dict(zip(self.classes, scores, strict=True)), OBJECTS[index]))
        return replies


def to_pixels(images: list[Image.Image]) -> Tensor:
    """Pixels (b, 3, 64, 64) in -1..1 of RGB pictures of any size."""
    sized = [image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX) for image in images]
    return torch.from_numpy(np.stack([np.asarray(image) for image in sized])).permute(0, 3, 1, 2) / 127.5 - 1
