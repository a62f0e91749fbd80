"""Operations and bytes counted without numbers, against closed forms and what is published."""

from __future__ import annotations

import gc

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from culturebench.planning.cost import Cost, cost_of, size_of

META = torch.device("meta")


def test_a_product_costs_two_operations_a_multiplication_and_memory_as_long_as_it_is_held() -> None:
    given = torch.empty(1000, 500, device=META)

    def work() -> None:
        product = given @ given.T  # 4 MB
        positive = product.relu()  # 4 MB more, the most that is held
        del product
        positive.add_(1)

    assert cost_of(work) == Cost(2 * 1000 * 500 * 1000, 2 * 4 * 1000 * 1000)


def test_a_backward_pass_is_counted_and_keeps_what_it_needs() -> None:
    layer = nn.Linear(64, 64, bias=False, device=META)
    given = torch.empty(8, 64, device=META)
    forward = cost_of(lambda: layer(given))
    both = cost_of(lambda: layer(given).sum().backward())
    assert forward.flops == 2 * 8 * 64 * 64
    assert both.flops == 2 * forward.flops, "the input needs no gradient"
    assert size_of([layer]) == 4 * 64 * 64


def test_attention_holds_no_matrix_of_all_tokens_by_all_tokens() -> None:
    tokens, width = 2048, 64
    query = torch.empty(1, 8, tokens, width, device=META, dtype=torch.bfloat16)
    cost = cost_of(lambda: functional.scaled_dot_product_attention(query, query, query))
    assert cost.flops == 2 * 2 * 8 * tokens * tokens * width
    assert cost.peak < 2 * 8 * tokens * tokens
    ones = torch.ones(1, 2, 2)
    assert functional.scaled_dot_product_attention(ones, ones, ones).sum() == 4, "as ever afterwards"


def test_checkpointing_costs_a_forward_pass_and_saves_memory() -> None:
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64)) for _ in range(8)))
    blocks = blocks.to(META).requires_grad_(False)
    given = torch.empty(100, 64, device=META, requires_grad=True)

    def plain() -> None:
        blocks(given * 1).sum().backward()

    def again() -> None:
        states = given * 1
        for block in blocks:
            states = checkpoint(block, states, use_reentrant=False)
        states.sum().backward()

    forward = cost_of(torch.no_grad()(lambda: blocks(given)))
    assert cost_of(plain).flops == 2 * forward.flops
    assert 2 * forward.flops < cost_of(again).flops <= 3 * forward.flops
    assert cost_of(again).peak < 0.6 * cost_of(plain).peak


def test_the_peak_does_not_hang_on_the_garbage_collector() -> None:
    block = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64)).to(META).requires_grad_(False)

    def work() -> None:
        states = torch.empty(100, 64, device=META, requires_grad=True) * 1
        for _ in range(8):
            states = checkpoint(block, states, use_reentrant=False)
        states.sum().backward()

    often = cost_of(work)
    gc.disable()
    try:
        assert cost_of(work) == cost_of(work) == often
    finally:
        gc.enable()


def test_operations_are_those_of_torchs_own_counter() -> None:
    layer = nn.TransformerEncoderLayer(64, 4, batch_first=True, device=META)
    convolution = nn.Conv2d(3, 8, 3, stride=2, device=META)

    def work() -> None:
        layer(torch.empty(2, 10, 64, device=META)).sum().backward()
        convolution(torch.empty(2, 3, 16, 16, device=META)).sum().backward()

    with FlopCounterMode(display=False) as counter:
        work()
    assert cost_of(work).flops == counter.get_total_flops() > 0


def test_costs_add_up_in_time_and_not_in_memory() -> None:
    assert Cost(2, 5) + Cost(3, 4) * 10 == Cost(32, 5)
