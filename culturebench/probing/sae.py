"""A Top-K sparse autoencoder (Makhzani & Frey 2013; Gao et al. 2024) over attention outputs, and its file.

The file is the one of EleutherAI's sparsify: `cfg.json` and `sae.safetensors`, read by its `SparseCoder`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from culturebench.artifacts._table import made_by
from culturebench.artifacts.sae import STAGE
from culturebench.errors import CultureBenchError

WEIGHTS_FILE = "sae.safetensors"
CONFIG_FILE = "cfg.json"
#: Our parameter -> its name in the file.
NAMES = {"encoder": "encoder.weight", "encoder_bias": "encoder.bias", "decoder": "W_dec", "decoder_bias": "b_dec"}
#: What sparsify asks further, and what is true of every autoencoder here.
ARCHITECTURE = {
    "activation": "topk",
    "normalize_decoder": True,
    "multi_topk": False,
    "skip_connection": False,
    "transcode": False,
}


class SaeError(CultureBenchError):
    """A saved autoencoder that is missing, damaged or of another shape."""


class TopKSAE(nn.Module):
    """`latents` directions in a space of `d` dimensions, of which at most `k` describe one feature vector.

    Rows of `decoder` have unit norm after training, so that a latent is in the units of the features.
    """

    def __init__(self, d: int, latents: int, k: int) -> None:
        super().__init__()
        if not 1 <= k <= latents:
            raise SaeError(f"k is {k}; it must lie between 1 and the number of latents, {latents}")
        self.d, self.latents, self.k = d, latents, k
        self.encoder = nn.Parameter(torch.zeros(latents, d))
        self.encoder_bias = nn.Parameter(torch.zeros(latents))
        self.decoder = nn.Parameter(torch.zeros(latents, d))
        self.decoder_bias = nn.Parameter(torch.zeros(d))

    def pre(self, features: Tensor, neurons: Tensor | None = None) -> Tensor:
        """ReLU latents without the Top-K step: (..., d) -> (..., latents), or (..., n) of `neurons` alone."""
        weight, bias = self.encoder, self.encoder_bias
        if neurons is not None:
            weight, bias = weight[neurons], bias[neurons]
        return torch.relu(nn.functional.linear(features - self.decoder_bias, weight, bias))

    def encode(self, features: Tensor) -> Tensor:
        """Latents of which at most `k` a vector are above 0: (..., d) -> (..., latents)."""
        return keep_largest(self.pre(features), self.k)

    def decode(self, latents: Tensor) -> Tensor:
        """Features of latents: (..., latents) -> (..., d)."""
        return latents @ self.decoder + self.decoder_bias

    def decode_change(self, change: Tensor, neurons: Tensor) -> Tensor:
        """What `decode` gains when `neurons` change by `change`: (..., n) -> (..., d); 0 gives exactly 0."""
        return change @ self.decoder[neurons]

    def forward(self, features: Tensor) -> Tensor:
        """The reconstruction of features (..., d)."""
        return self.decode(self.encode(features))


def keep_largest(latents: Tensor, k: int) -> Tensor:
    """The same latents with all but the `k` largest of each vector set to 0."""
    values, indices = latents.topk(k, dim=-1, sorted=False)
    return torch.zeros_like(latents).scatter(-1, indices, values)


def as_neurons(sae: TopKSAE, neurons: Sequence[int]) -> Tensor:
    """Latent indices as a tensor; `SaeError` for one that the autoencoder does not have."""
    wrong = [index for index in neurons if not 0 <= index < sae.latents]
    if wrong:
        raise SaeError(
            f"the autoencoder has latents 0 to {sae.latents - 1}, not {wrong[:5]}; `dvc repro select_neurons`"
        )
    return torch.tensor(list(neurons), dtype=torch.long, device=sae.encoder.device)


def save(sae: TopKSAE, folder: Path) -> None:
    """Write `sae.safetensors` and `cfg.json` into `folder`; equal weights give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {NAMES[name]: tensor.detach().cpu().contiguous() for name, tensor in sae.state_dict().items()}
    save_file(weights, folder / WEIGHTS_FILE)
    write_config(folder / CONFIG_FILE, {**ARCHITECTURE, "d_in": sae.d, "num_latents": sae.latents, "k": sae.k})


def write_config(path: Path, config: dict[str, object]) -> None:
    """A small JSON file with sorted keys."""
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load(folder: Path) -> TopKSAE:
    """The autoencoder in `folder`, frozen; `SaeError` when a file is missing, damaged or does not fit."""
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        sae = TopKSAE(int(config["d_in"]), int(config["num_latents"]), int(config["k"]))
        found = load_file(folder / WEIGHTS_FILE)
        sae.load_state_dict({name: found[key] for name, key in NAMES.items()})
    except FileNotFoundError as error:
        raise SaeError(f"{error.filename or folder} is missing; run `dvc repro {made_by(folder, STAGE)}`") from None
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        stage = made_by(folder, STAGE)
        raise SaeError(f"{folder} holds no usable autoencoder ({reason}); run `dvc repro -f {stage}`") from None
    return sae.eval().requires_grad_(False)
