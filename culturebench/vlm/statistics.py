"""How a decoder's neurons fire, by culture: counted batch by batch, so that no activation is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from culturebench.artifacts.activations import Activations
from culturebench.vlm.neurons import gates

if TYPE_CHECKING:
    from culturebench.vlm.model import Vlm
    from culturebench.vlm.neurons import Site

Positions = Literal["last", "text", "all"]


class Statistics:
    """Counts and sums of every neuron for every culture; padding never counts, since it fires like anything else."""

    def __init__(self, cultures: Sequence[str], layers: int, width: int, threshold: float, mean: str) -> None:
        """`mean`: `positive` sums what exceeds 0, `signed` everything."""
        self.cultures, self._threshold, self._mean = list(cultures), threshold, mean
        self._fired = torch.zeros(len(cultures), layers, width, dtype=torch.int64)
        self._sum = torch.zeros(len(cultures), layers, width, dtype=torch.float64)
        self._tokens = torch.zeros(len(cultures), dtype=torch.int64)

    def count(
        self, vlm: Vlm, inputs: Mapping[str, Any], cultures: Sequence[str], positions: Positions, site: Site
    ) -> None:
        """Add one batch of questions, of one culture each."""
        counted = counted_tokens(vlm, inputs, positions)  # (b, l)
        owners = torch.tensor([self.cultures.index(name) for name in cultures])
        self._tokens.index_add_(0, owners, counted.sum(1).cpu())

        def read(layer: int, out: Tensor) -> None:
            kept = out.float() * counted[..., None]
            fired = ((out > self._threshold) & counted[..., None]).sum(1)
            total = (kept.clamp(min=0) if self._mean == "positive" else kept).double().sum(1)
            self._fired[:, layer].index_add_(0, owners, fired.cpu())
            self._sum[:, layer].index_add_(0, owners, total.cpu())

        with gates(vlm.layers, read=read, site=site):
            vlm.forward(inputs)

    def found(self) -> Activations:
        """Shares and means over all counted tokens."""
        tokens = self._tokens.clamp(min=1)[:, None, None].double()
        return Activations(
            self.cultures,
            (self._fired / tokens).float().numpy().astype(np.float32),
            (self._sum / tokens).float().numpy().astype(np.float32),
            self._tokens.tolist(),
        )


def counted_tokens(vlm: Vlm, inputs: Mapping[str, Any], positions: Positions) -> Tensor:
    """Which tokens count: (b, l) bool."""
    real = inputs["attention_mask"].bool()
    if positions == "last":
        last = torch.zeros_like(real)
        last[:, -1] = True
        return last
    return real if positions == "all" else real & (inputs["input_ids"] != vlm.processor.image_token_id)
