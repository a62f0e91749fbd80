"""A small residual module that learns to strengthen culture at one layer; the weights are all that trains."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import Edit

WEIGHTS_FILE = "enhancer.safetensors"
CONFIG_FILE = "config.json"
EPSILON = 1e-8


class EnhancerError(CultureBenchError):
    """A saved enhancer that is missing, damaged or of another shape."""


class Enhancer(nn.Module):
    """h + g(W2 silu(W1 h)) on features of `d` dimensions, with `width` hidden units.

    g gives every token's residual the root mean square `unit` and scales its dimensions by `gain`, which
    starts at 0: the identity, bit for bit. With `unit` the features' own root mean square, a gain of 1
    means a residual as large as the feature, whatever the encoder.
    """

    unit: Tensor

    def __init__(self, d: int, width: int, unit: float = 1.0, seed: int = 0) -> None:
        super().__init__()
        self.d, self.width = d, width
        generator = torch.Generator().manual_seed(seed)
        self.w1 = nn.Parameter(torch.randn(width, d, generator=generator) / d**0.5)
        self.b1 = nn.Parameter(torch.zeros(width))
        self.w2 = nn.Parameter(torch.randn(d, width, generator=generator) / width**0.5)
        self.gain = nn.Parameter(torch.zeros(d))
        self.register_buffer("unit", torch.tensor(float(unit)))

    def residual(self, features: Tensor) -> Tensor:
        """What is added to features (..., d)."""
        hidden = nn.functional.silu(nn.functional.linear(features / self.unit, self.w1, self.b1))
        raw = hidden @ self.w2.T
        inverse = raw.pow(2).mean(dim=-1, keepdim=True).add(EPSILON).rsqrt()  # sqrt rounds by the processor's maker
        return self.gain * self.unit * (raw * inverse)

    def forward(self, features: Tensor) -> Tensor:
        """Enhanced features (..., d)."""
        return features + self.residual(features)

    def as_edit(self) -> Edit:
        """The enhancer as an edit of real tokens; gradients reach its weights."""

        def edit(features: Tensor, real: Tensor) -> Tensor:
            self.to(features.device)  # follows the encoder, which may run on a GPU
            return torch.where(real[..., None], self(features), features)

        return edit


def save(enhancer: Enhancer, folder: Path, *, layer: int) -> None:
    """Write `enhancer.safetensors` and `config.json` (with the 0-based `layer`); equal weights give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().contiguous() for name, tensor in enhancer.state_dict().items()}
    save_file(tensors, folder / WEIGHTS_FILE)
    config = {"d": enhancer.d, "layer": layer, "width": enhancer.width}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[Enhancer, int]:
    """The enhancer in `folder`, frozen, and its layer; `EnhancerError` when a file is missing or does not fit."""
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        enhancer = Enhancer(int(config["d"]), int(config["width"]))
        enhancer.load_state_dict(load_file(folder / WEIGHTS_FILE))
        layer = int(config["layer"])
    except FileNotFoundError as error:
        raise EnhancerError(f"{error.filename or folder} is missing; run `dvc repro train_enhancer`") from None
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise EnhancerError(
            f"{folder} holds no usable enhancer ({reason}); run `dvc repro -f train_enhancer`"
        ) from None
    return enhancer.eval().requires_grad_(False), layer
