"""Adapters in folders: a standard LoRA as diffusers reads it, a gated one in a file of its own that nobody misreads.

diffusers takes every key that contains "lora" for a LoRA's, and drops what else it does not know: a gated file with
such keys would open there and run ungated. Ours has none, so it is refused aloud.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from culturebench.interventions.adapters.gating import Gate, GateShape
from culturebench.interventions.adapters.lora import Lora
from culturebench.interventions.adapters.sites import AdapterError, Site

STANDARD_FILE = "pytorch_lora_weights.safetensors"  # where diffusers looks for it
GATED_FILE = "gated_adapter.safetensors"
CONFIG_FILE = "config.json"
_GATE = "gate."


def save(lora: Lora, folder: Path, *, denoiser: str) -> Path:
    """Write the weights and `config.json`, and give the weights' path; equal weights give equal bytes.

    `denoiser` is its name in a pipeline, `unet` or `transformer`, under which diffusers looks for a LoRA's keys.
    """
    folder.mkdir(parents=True, exist_ok=True)
    gate = lora.gate
    path = folder / (STANDARD_FILE if gate is None else GATED_FILE)
    tensors = _standard(lora, denoiser) if gate is None else _gated(lora, gate)
    save_file({name: tensor.detach().cpu().float().contiguous() for name, tensor in tensors.items()}, path)
    config = {
        "alpha": lora.alpha,
        "denoiser": denoiser,
        "gate": asdict(gate.shape) if gate else None,
        "rank": lora.rank,
        "sites": [asdict(site) for site in lora.sites],
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _standard(lora: Lora, denoiser: str) -> dict[str, Tensor]:
    """Without metadata diffusers takes alpha for the rank, so the difference is put into `up`."""
    tensors: dict[str, Tensor] = {}
    for index, site in enumerate(lora.sites):
        tensors[f"{denoiser}.{site.name}.lora_A.weight"] = lora.down[index]
        tensors[f"{denoiser}.{site.name}.lora_B.weight"] = lora.up[index] * (lora.alpha / lora.rank)
    return tensors


def _gated(lora: Lora, gate: Gate) -> dict[str, Tensor]:
    tensors = {f"{site.name}.down": lora.down[index] for index, site in enumerate(lora.sites)}
    tensors |= {f"{site.name}.up": lora.up[index] for index, site in enumerate(lora.sites)}
    return {**tensors, **{f"{_GATE}{name}": tensor for name, tensor in gate.state_dict().items()}}


def weights_path(folder: Path) -> Path:
    """The file of the adapter's weights; `AdapterError` where the folder holds none."""
    for name in (STANDARD_FILE, GATED_FILE):
        if (folder / name).is_file():
            return folder / name
    raise AdapterError(f"{folder} holds neither {STANDARD_FILE} nor {GATED_FILE}; run `dvc repro train_adapter`")


def load(folder: Path) -> Lora:
    """The adapter in `folder`, frozen; `AdapterError` when a file is missing or does not fit."""
    path = weights_path(folder)
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(path)
        lora = _built(config, tensors)
    except FileNotFoundError as error:
        raise AdapterError(f"{error.filename or folder} is missing; run `dvc repro train_adapter`") from None
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise AdapterError(f"{folder} holds no usable adapter ({reason}); run `dvc repro -f train_adapter`") from None
    return lora.eval().requires_grad_(False)


def _built(config: dict[str, Any], tensors: dict[str, Tensor]) -> Lora:
    sites = [Site(**site) for site in config["sites"]]
    rank, alpha = int(config["rank"]), float(config["alpha"])
    if config["gate"] is None:
        lora, prefix = Lora(sites, rank, float(rank)), f"{config['denoiser']}."
        names = ("lora_A.weight", "lora_B.weight")
    else:
        gate = Gate(sites, tensors[f"{_GATE}concepts"], rank, GateShape(**config["gate"]))
        gate.load_state_dict({name.removeprefix(_GATE): t for name, t in tensors.items() if name.startswith(_GATE)})
        lora, prefix, names = Lora(sites, rank, alpha, gate), "", ("down", "up")
    state = lora.state_dict()
    for index, site in enumerate(sites):
        for kind, name in zip(("down", "up"), names, strict=True):
            state[f"{kind}.{index}"] = tensors[f"{prefix}{site.name}.{name}"]
    lora.load_state_dict(state)
    return lora
