"""Adapters of tiny denoisers, as if they had been trained."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from culturebench.interventions.adapters.gating import Gate
from culturebench.interventions.adapters.lora import Lora
from culturebench.interventions.adapters.sites import find_sites
from culturebench.params.train_adapter import TrainAdapter

TRAINING = TrainAdapter.model_validate(
    {
        "space": "x", "concepts": 3, "targets": ["self", "cross"], "rank": 4, "alpha": 4,
        "gate": {"hidden": 8, "pool": 0.7, "epsilon": 1e-6, "bias": 0.0},
        "csl": {"weight": 0.1, "pool": 4, "temperature": 1.0}, "steps": 3, "batch_size": 2, "learning_rate": 0.01,
        "weight_decay": 0.01, "noise_power": 1.0, "autocast": "auto", "gradient_checkpointing": None,
        "checkpoint_every": 2, "log_every": 3, "log_pairs": 2, "seed": 0,
    }
)  # fmt: skip


def concepts(count: int = 3, d: int = 8, seed: int = 1) -> Tensor:
    """Random unit vectors (count, d)."""
    return F.normalize(torch.randn(count, d, generator=torch.Generator().manual_seed(seed)), dim=1)


def untrained(denoiser: Any, *, gated: bool = False, rank: int = 4, alpha: float = 4.0) -> Lora:
    """An adapter of all attentions."""
    sites = find_sites(denoiser, ("self", "cross"))
    return Lora(sites, rank, alpha, Gate(sites, concepts(), rank) if gated else None)


def trained(denoiser: Any, *, gated: bool = False, rank: int = 4, alpha: float = 4.0) -> Lora:
    """One that has moved, everywhere and visibly."""
    adapter = untrained(denoiser, gated=gated, rank=rank, alpha=alpha)
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for up in adapter.up:
            up.copy_(torch.randn(up.shape, generator=random))
    return adapter
