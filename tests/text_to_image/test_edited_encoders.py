"""An edit acts where it was asked for, in the thread that asked, or it is an error."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer

import tiny_encoders
from culturebench.text_to_image.base import HookError
from culturebench.text_to_image.encoders.hub import HubEncoder

TEXTS = ["a bowl with seigaiha waves", "a plain bowl"]


@pytest.fixture
def encoder(tmp_path: Path) -> HubEncoder:
    model = tiny_encoders.write(tmp_path, "XLM-R").requires_grad_(False)
    return HubEncoder(model, AutoTokenizer.from_pretrained(tmp_path / "tokenizer"))


def shifted(by: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda features, real: torch.where(real[..., None], features + by, features)


def read(encoder: HubEncoder) -> Tensor:
    return encoder.run(encoder.tokenize(TEXTS))["last"]


def read_edited(encoder: HubEncoder, by: float) -> Tensor:
    with encoder.edited(0, shifted(by)):
        return read(encoder)


def test_threads_that_share_an_encoder_read_each_under_its_own_edit(encoder: HubEncoder) -> None:
    strengths = [0.0, 3.0, -3.0]
    ramp = {by: read_edited(encoder, by) if by else read(encoder) for by in strengths}
    assert not torch.equal(ramp[3.0], ramp[0.0])

    def work(by: float) -> bool:
        found = [read_edited(encoder, by) if by else read(encoder) for _ in range(60)]
        return all(torch.equal(one, ramp[by]) for one in found)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, strengths)) == [True] * 3


def test_a_copy_of_an_encoder_has_an_edit_of_its_own(encoder: HubEncoder) -> None:
    plain, other = read(encoder), copy.deepcopy(encoder)
    with encoder.edited(0, shifted(3.0)):
        assert torch.equal(read(other), plain)
        assert not torch.equal(read(encoder), plain)


@pytest.mark.parametrize("compiled", ["the model", "a block"])
def test_a_compiled_encoder_is_refused_before_anything_is_read(encoder: HubEncoder, compiled: str) -> None:
    part: Any = encoder.model if compiled == "the model" else encoder.model.encoder.layer[0]
    part.compile(backend="eager")
    with pytest.raises(HookError, match=r"compiled by torch\.compile"), encoder.edited(0, shifted(1.0)):
        pytest.fail("the block was entered")


def test_a_model_that_torch_compile_wrapped_is_refused_too(encoder: HubEncoder) -> None:
    encoder.model = torch.compile(encoder.model, backend="eager")
    with pytest.raises(HookError, match=r"compiled by torch\.compile"), encoder.edited(0, shifted(1.0)):
        pytest.fail("the block was entered")


def test_an_edit_that_no_pass_reached_is_an_error(encoder: HubEncoder) -> None:
    with pytest.raises(HookError, match="an edit of layer 0 never acted"), encoder.edited(0, shifted(1.0)):
        pass
    encoder.layers[0] = type(encoder.layers[0])(0, encoder.layers[0].attention, nn.Linear(16, 16))  # not of the model
    with pytest.raises(HookError, match="an edit of layer 0 never acted"), encoder.edited(0, shifted(1.0)):
        read(encoder)


def test_an_error_of_the_callers_own_is_not_replaced(encoder: HubEncoder) -> None:
    with pytest.raises(KeyboardInterrupt), encoder.edited(0, shifted(1.0)):
        raise KeyboardInterrupt
