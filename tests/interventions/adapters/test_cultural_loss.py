"""The cultural loss by hand, how low it can be, and that its own projection alone takes it there."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import tiny_adapters
from culturebench.interventions.adapters.cultural_loss import Projection, bound, cultural_loss, spread
from culturebench.interventions.adapters.sites import AdapterError

AXES = torch.eye(3)[:2]


def test_the_loss_is_equations_14_to_16_worked_out_by_hand() -> None:
    features = torch.tensor([[0.6, 0.8, 0.0], [1.0, 0.0, 0.0]])
    wanted = [-(a * math.exp(a) + b * math.exp(b)) / (math.exp(a) + math.exp(b)) for a, b in ((0.6, 0.8), (1.0, 0.0))]
    assert cultural_loss(features, AXES).tolist() == pytest.approx(wanted)
    assert float(cultural_loss(features, AXES, temperature=0.001)[0]) == pytest.approx(-0.8), "the nearest concept"


def test_no_unit_vector_lies_below_the_bound_and_some_reach_it() -> None:
    concepts = tiny_adapters.concepts(6, 4)
    lowest = bound(concepts)
    random = F.normalize(torch.randn(20000, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    found = float(cultural_loss(random, concepts).min())
    assert lowest <= found == pytest.approx(lowest, rel=0.02)


@pytest.mark.parametrize("concepts", [tiny_adapters.concepts(12, 32), None], ids=["random", "of one culture"])
def test_the_learned_projection_alone_reaches_the_bound_of_the_cultural_loss(concepts: Tensor | None) -> None:
    """On latents that never move, whatever they show, and with meaningless concepts as well: no picture is needed."""
    if concepts is None:  # that resemble each other, as those of one culture do
        concepts = F.normalize(tiny_adapters.concepts(12, 32) + 2 * tiny_adapters.concepts(1, 32, seed=5), dim=1)
    latents = torch.randn(32, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    projection = Projection(latents.shape[1:], 4, 32)
    optimizer = torch.optim.AdamW(projection.parameters(), lr=1e-3)
    for _ in range(2000):
        optimizer.zero_grad()
        cultural_loss(projection(latents), concepts).mean().backward()
        optimizer.step()
    features = projection(latents).detach()
    assert float(cultural_loss(features, concepts).mean()) == pytest.approx(bound(concepts), rel=0.01)
    assert spread(features) < 0.01, "one vector for every picture"


def test_latents_without_places_are_refused_with_what_to_take() -> None:
    with pytest.raises(AdapterError, match="projection: decoded"):
        Projection((16, 4), 4, 8)
    assert Projection((4, 6, 6), 16, 8)(torch.zeros(1, 4, 6, 6)).shape == (1, 8)
