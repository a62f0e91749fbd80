"""K-StyleLoRA's gates (ICCVW 2025, equations 1 to 9): how near an attention's states are to cultural concepts.

Open in the paper, and read here so: the states are those that enter an attention, whose four linear layers share one
gate. The projection and the attention over places are shared by all attentions of one width, else they would be many
times the LoRA. No loss makes the projected states a CLIP's vector, so a relevance is what training makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from culturebench.interventions.adapters.sites import Site


class Modulation(NamedTuple):
    """How an attention's LoRA is modulated for each row."""

    ranks: Tensor  # (b, rank): w_down * w_up, of which only the product acts
    intensity: Tensor  # (b, 1)


@dataclass(frozen=True)
class GateShape:
    """What the paper leaves open of a gate, and its numbers."""

    hidden: int = 64  # units of the small MLPs
    pool: float = 0.7  # lambda of equation 4
    epsilon: float = 1e-6  # of equation 3
    bias: float = 0.0  # of the sigmoids' last layers; at 0 the LoRA starts at about an eighth of its scale


class Relevance(nn.Module):
    """Equations 2 to 6 for states of one width."""

    def __init__(self, width: int, d: int, shape: GateShape) -> None:
        super().__init__()
        between = max(8, width // 4)
        self.attention = nn.Sequential(nn.Linear(width, between), nn.GELU(), nn.Linear(between, 1))
        self.projection = nn.Linear(width, d)
        self.shape = shape

    def forward(self, states: Tensor, concepts: Tensor) -> Tensor:
        """Cosines (b, K) of states (b, places, width) with concepts (K, d), unit vectors."""
        weights = self.attention(states).sigmoid()  # equation 2
        mean = (weights * states).sum(dim=1) / (weights.sum(dim=1) + self.shape.epsilon)  # 3
        pool = self.shape.pool
        combined = pool * mean + (1 - pool) * states.amax(dim=1)  # 4
        return F.normalize(self.projection(combined), dim=-1) @ concepts.T  # 5 and 6


class Weights(nn.Module):
    """Equations 7 to 9 for one attention."""

    def __init__(self, count: int, rank: int, shape: GateShape) -> None:
        super().__init__()
        self.down, self.up, self.intensity = (_mlp(count, shape, outputs) for outputs in (rank, rank, 1))

    def forward(self, relevance: Tensor) -> Modulation:
        """From relevances (b, K)."""
        ranks = self.down(relevance).sigmoid() * self.up(relevance).sigmoid()
        return Modulation(ranks, self.intensity(relevance).sigmoid())


class Gate(nn.Module):
    """The gates of all attentions of some sites; `concepts` (K, d) are unit vectors."""

    concepts: Tensor

    def __init__(
        self, sites: Sequence[Site], concepts: Tensor, rank: int, shape: GateShape | None = None, seed: int = 0
    ) -> None:
        super().__init__()
        self.shape = shape = shape or GateShape()
        widths = {one.attention: one.width for one in sites}
        self.attentions = list(widths)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.by_width = nn.ModuleDict(
                {str(width): Relevance(width, concepts.shape[1], shape) for width in sorted({*widths.values()})}
            )
            self.weights = nn.ModuleList(Weights(len(concepts), rank, shape) for _ in widths)
        self._widths = widths
        self._numbers = {name: number for number, name in enumerate(widths)}
        self.register_buffer("concepts", concepts.float())

    def forward(self, attention: str, states: Tensor) -> Modulation:
        """Of one attention, by the states (b, places, width) that enter it; a row does not see the others."""
        relevance = self.by_width[str(self._widths[attention])](states, self.concepts)
        return self.weights[self._numbers[attention]](relevance)


def _mlp(count: int, shape: GateShape, outputs: int) -> nn.Sequential:
    last = nn.Linear(shape.hidden, outputs)
    nn.init.constant_(last.bias, shape.bias)
    return nn.Sequential(nn.Linear(count, shape.hidden), nn.GELU(), last)
