"""The gates against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from culturebench.interventions.adapters.gating import Gate, GateShape, Modulation
from culturebench.interventions.adapters.lora import Lora
from culturebench.interventions.adapters.sites import Site

SITES = [Site("attn.to_q", "attn", 3, 3, 2)]
CONCEPTS = torch.tensor([[1.0, 0.0], [0.0, 1.0]])


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def by_hand() -> Gate:
    """Attention over places by the first dimension, a projection that keeps the first two, MLPs that pass s on."""
    gate = Gate(SITES, CONCEPTS, rank=1, shape=GateShape(hidden=2, pool=0.7, epsilon=1e-6))
    for weight in gate.parameters():
        torch.nn.init.zeros_(weight)
    look, weights = gate.by_width["3"], gate.weights[0]
    with torch.no_grad():
        look.attention[0].weight[0, 0] = 1.0
        look.attention[2].weight[0, 0] = 1.0
        look.projection.weight[0, 0] = look.projection.weight[1, 1] = 1.0
        for mlp, column in ((weights.down, 0), (weights.up, 1), (weights.intensity, 0)):
            mlp[0].weight[0, column] = 1.0
            mlp[2].weight[0, 0] = 2.0
    return gate


def gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def test_the_gate_is_equations_2_to_10_worked_out_by_hand() -> None:
    states = torch.tensor([[[1.0, 2.0, 5.0], [3.0, 0.0, -5.0]]])  # B = 1, S = 2, D = 3
    w = [sigmoid(gelu(1.0)), sigmoid(gelu(3.0))]  # equation 2
    mean = [(w[0] * a + w[1] * b) / (w[0] + w[1] + 1e-6) for a, b in ((1, 3), (2, 0))]  # 3
    combined = [0.7 * mean[0] + 0.3 * 3, 0.7 * mean[1] + 0.3 * 2]  # 4
    norm = math.hypot(*combined)
    s = [one / norm for one in combined]  # 5 and 6: the concepts are the axes
    down, up, intensity = (sigmoid(2 * gelu(one)) for one in (s[0], s[1], s[0]))  # 7 to 9
    with torch.no_grad():
        found = by_hand()("attn", states)
    assert float(found.ranks) == pytest.approx(down * up, rel=1e-5)
    assert float(found.intensity) == pytest.approx(intensity, rel=1e-5)

    lora = Lora(SITES, rank=1, alpha=3.0)
    with torch.no_grad():
        lora.down[0].copy_(torch.tensor([[1.0, 1.0, 1.0]]))
        lora.up[0].copy_(torch.tensor([[1.0], [-2.0]]))
    change = lora.change(0, states, 0.5, found)  # 10, with lambda_scale = alpha / rank * 0.5
    low = [1 + 2 + 5, 3 + 0 - 5]
    wanted = [[intensity * 1.5 * one * down * up * out for out in (1, -2)] for one in low]
    torch.testing.assert_close(change[0], torch.tensor(wanted), rtol=1e-5, atol=1e-6)


def test_a_gate_that_is_always_open_is_a_standard_lora() -> None:
    states = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    lora = Lora(SITES, rank=1, alpha=1.0)
    torch.nn.init.ones_(lora.up[0])
    opened = Modulation(torch.ones(2, 1), torch.ones(2, 1))
    assert torch.equal(lora.change(0, states, 1.0, opened), lora.change(0, states, 1.0, None))


def test_a_row_does_not_change_when_the_others_do() -> None:
    states = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(0))
    gate = Gate(SITES, CONCEPTS, rank=2)
    among, alone = gate("attn", states), gate("attn", states[1:2])
    torch.testing.assert_close(among.ranks[1:2], alone.ranks)
    torch.testing.assert_close(among.intensity[1:2], alone.intensity)


def test_at_the_start_a_lora_works_at_an_eighth_of_its_scale() -> None:
    """Three sigmoids of about 0, as the paper leaves it."""
    gate = Gate(SITES, CONCEPTS, rank=4)
    with torch.no_grad():
        found = gate("attn", torch.randn(8, 4, 3, generator=torch.Generator().manual_seed(0)))
    assert float((found.ranks * found.intensity).mean()) == pytest.approx(1 / 8, rel=0.25)
