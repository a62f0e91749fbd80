"""LPIPS 0.1 (Zhang et al. 2018), from the weights that the package lpips uses and torchvision trained.

The package itself needs torchvision, of which there is none for our torch. The layers, their taps and constants are
those of lpips 0.1.4, lpips/{lpips,pretrained_networks}.py, and torchvision/models/{alexnet,vgg}.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from culturebench.errors import CultureBenchError
from culturebench.measures.scoring import of_each, of_prompts, pairs
from culturebench.measures.task import Forecast, Task, Work
from culturebench.text_to_image.encoders.files import read_weights
from culturebench.text_to_image.runtime import device_of

if TYPE_CHECKING:
    from culturebench.measures.scoring import Rows
    from culturebench.params.measure import Lpips as Chosen

#: Network -> positions of `features` behind which it is read: each ReLU before a pooling, for AlexNet every ReLU.
TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}
WIDTHS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of pixels in -1..1


def run(chosen: Chosen, task: Task) -> Rows:
    """The distance of every picture to its reference, and between those of one prompt."""
    model = Lpips.from_folder(task.folder(chosen.pin), chosen.network, chosen.size).to(device_of(task.numbers.runtime))
    return [
        *of_each("lpips_reference", task.pictures, lambda images, rows: model.distances(images, task.originals(rows))),
        *of_prompts("lpips_diversity", task.pictures, model.diversity),
    ]


def work(chosen: Chosen, forecast: Forecast) -> Work:
    """One pair with the reference, and the picture's share of the pairs of its prompt."""
    model, pixels = Lpips(chosen.network, chosen.size), torch.empty(1, 3, chosen.size, chosen.size)
    return Work(lambda: model(pixels, pixels), 1 + (forecast.pictures - 1) / 2)


class LpipsError(CultureBenchError):
    """Weights that are no LPIPS."""


class Lpips(nn.Module):
    """A perceptual distance of two pictures, 0 and more; less is nearer."""

    shift: Tensor
    scale: Tensor

    def __init__(self, network: Literal["alex", "vgg"], size: int) -> None:
        super().__init__()
        self.taps, self.size = TAPS[network], size
        self.features = _alexnet() if network == "alex" else _vgg16()
        self.weights = nn.ParameterList(nn.Parameter(torch.zeros(width)) for width in WIDTHS[network])
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1))

    @classmethod
    def from_folder(cls, folder: Path, network: Literal["alex", "vgg"], size: int) -> Lpips:
        """From `features.*` of torchvision and `lin*.model.1.weight` of lpips, in any safetensors of the folder.

        `LpipsError` when either is missing or of another network.
        """
        found = {name: tensor.float() for name, tensor in read_weights(folder).items()}
        model = cls(network, size)
        wanted = {name: name for name in model.state_dict() if name.startswith("features.")}
        wanted |= {f"weights.{depth}": f"lin{depth}.model.1.weight" for depth in range(len(WIDTHS[network]))}
        missing = sorted(name for name in wanted.values() if name not in found)
        if missing:
            raise LpipsError(
                f"{folder} lacks {', '.join(missing)}; put torchvision's {network} and lpips' v0.1/{network}.pth "
                "there, both after `culturebench pins convert FILE`"
            )
        try:
            tensors = {own: found[name] for own, name in wanted.items()}
            tensors |= {name: tensor.flatten() for name, tensor in tensors.items() if name.startswith("weights.")}
            model.load_state_dict(tensors | {"shift": model.shift, "scale": model.scale})
        except RuntimeError as error:
            raise LpipsError(f"{folder} holds another network than {network}: {str(error).splitlines()[1]}") from None
        return model.eval().requires_grad_(False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """(b,) distances of pixels (b, 3, h, w) in -1..1."""
        depths = zip(self._unit(first), self._unit(second), self.weights, strict=True)
        return torch.stack([((a - b).square() * w.view(1, -1, 1, 1)).sum(1).mean((1, 2)) for a, b, w in depths]).sum(0)

    def distances(self, images: Sequence[Image.Image], others: Sequence[Image.Image]) -> list[float]:
        """The distance of each picture to its other."""
        return self(self._pixels(images), self._pixels(others)).tolist()

    def diversity(self, images: Sequence[Image.Image]) -> float:
        """The mean distance between any two pictures."""
        pixels, (left, right) = self._pixels(images), pairs(len(images))
        return float(self(pixels[left], pixels[right]).mean())

    def _unit(self, pixels: Tensor) -> list[Tensor]:
        """Features at the taps, channels at unit length."""
        found: list[Tensor] = []
        hidden = (pixels - self.shift) / self.scale
        for position, layer in enumerate(self.features):
            hidden = layer(hidden)
            if position in self.taps:
                found.append(hidden / (hidden.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def _pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """(b, 3, size, size) in -1..1: the largest centred square, resized."""
        fitted = [
            ImageOps.fit(image.convert("RGB"), (self.size, self.size), Image.Resampling.BICUBIC) for image in images
        ]
        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in fitted])).permute(0, 3, 1, 2)
        return pixels.to(self.shift.device, torch.float32) / 127.5 - 1


def _alexnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


def _vgg16() -> nn.Sequential:
    layers: list[nn.Module] = []
    width = 3
    for step in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512):
        if step:
            layers += [nn.Conv2d(width, step, 3, padding=1), nn.ReLU()]
            width = step
        else:
            layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)
