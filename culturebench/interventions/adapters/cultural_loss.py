"""K-StyleLoRA's Cultural Semantic Loss (equations 11 to 16), and how low any picture could take it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from culturebench.interventions.adapters.sites import AdapterError


class Projection(nn.Module):
    """Equations 11 to 13: latents like `shape` (c, h, w), pooled to at most `side` x `side`, to unit vectors (b, d).

    `AdapterError` for latents that are no maps: a pipeline that packs them shows no places to pool.
    """

    def __init__(self, shape: Sequence[int], side: int, d: int, seed: int = 0) -> None:
        super().__init__()
        if len(shape) != 3:
            raise AdapterError(
                "the cultural loss on latents pools their places, and this pipeline packs them; take "
                "`projection: decoded`"
            )
        self.kernel = max(1, shape[1] // side)
        places = (shape[1] // self.kernel) * (shape[2] // self.kernel)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.linear = nn.Linear(shape[0] * places, d)

    def forward(self, latents: Tensor) -> Tensor:
        """Unit vectors (b, d) of latents (b, c, h, w)."""
        return F.normalize(self.linear(F.avg_pool2d(latents.float(), self.kernel).flatten(1)), dim=1)


def cultural_loss(features: Tensor, concepts: Tensor, temperature: float = 1.0) -> Tensor:
    """Equations 14 to 16 before their mean: (b,) for unit vectors (b, d) and concepts (K, d).

    As written the softmax has temperature 1, so that it is nearly a mean over the concepts; towards 0 the nearest is
    all that counts.
    """
    similarity = features @ concepts.T
    return -(similarity * (similarity / temperature).softmax(dim=1)).sum(dim=1)


def bound(concepts: Tensor, temperature: float = 1.0, steps: int = 300) -> float:
    """The lowest loss that any unit vector has, by ascent from each concept and from their centre."""
    concepts = concepts.float()
    found = torch.cat([concepts, F.normalize(concepts.mean(dim=0, keepdim=True), dim=1)]).requires_grad_()
    optimizer = torch.optim.Adam([found], lr=0.02, fused=True)
    with torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            cultural_loss(F.normalize(found, dim=1), concepts, temperature).sum().backward()
            optimizer.step()
    with torch.no_grad():
        return float(cultural_loss(F.normalize(found, dim=1), concepts, temperature).min())


def spread(features: Tensor) -> float:
    """How far unit vectors (b, d) differ: 1 minus their mean cosine to their mean; 0 for a constant."""
    centre = F.normalize(features.mean(dim=0, keepdim=True), dim=1)
    return float(1 - (features @ centre.T).mean())
