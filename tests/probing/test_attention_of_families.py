"""CA of every family and attention back end beside the library's own `output_attentions`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer

import tiny_encoders
from culturebench.params._runtime import Runtime
from culturebench.params.encoders import Encoder
from culturebench.probing.attention import (
    DIRECTIONS,
    Prompt,
    cultural_attention,
    find_roles,
    queries_and_keys,
)
from culturebench.probing.attention_rows import row_weights
from culturebench.probing.features import summary_positions
from culturebench.text_to_image.encoders.hub import HubEncoder
from culturebench.text_to_image.loading import load_encoder

MAX_TOKENS = 40


def prompt(text: str, noun: str, modifier: str | None = None, follows: bool = False) -> Prompt:
    def span(word: str) -> tuple[int, int]:
        return text.index(word), text.index(word) + len(word)

    return Prompt(text, span(noun), span(modifier) if modifier else None, follows)


#: From a few tokens to what the tokenizers cut off, in no order.
PROMPTS = [
    prompt("a bowl with waves", "bowl", "waves", follows=True),
    prompt("青海波の椀 bowl", "bowl", "青海波"),
    prompt("plain bowl", "bowl", "plain"),
    prompt("a plain bowl with waves on a plain bowl with waves", "bowl", "plain"),
    prompt("чаша", "чаша"),
    prompt("a bowl with waves, a bowl with waves, a bowl with waves, a bowl with waves", "waves"),
]


@pytest.fixture(params=tiny_encoders.FAMILIES, scope="module")
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp(request.param.replace(" ", ""))
    return folder, tiny_encoders.write(folder, request.param)


def load(folder: Path, attention: str) -> HubEncoder:
    runtime = Runtime.model_validate({"attention": attention})
    source = Encoder(adapter="transformers", pin="tiny", max_tokens=MAX_TOKENS, runtime=runtime)
    encoder = load_encoder(source, folder)
    assert isinstance(encoder, HubEncoder)
    return encoder


@torch.no_grad()
def naive(folder: Path, model: Any, encoder: HubEncoder) -> NDArray[np.float64]:
    """One prompt per call through the library's own eager model, every attention kept, a cell at a time."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    model = getattr(model, "model", model) if hasattr(model, "lm_head") else model
    full = not (encoder.causal or encoder.masked)
    found = np.full((len(PROMPTS), len(DIRECTIONS), len(encoder.layers)), np.nan)
    for row, one in enumerate(PROMPTS):
        ids = tokenizer(
            one.text, padding="max_length" if full else False, max_length=MAX_TOKENS, truncation=True,
            return_tensors="pt",
        )["input_ids"]  # fmt: skip
        attentions = model(input_ids=ids, output_attentions=True).attentions
        tokens = encoder.tokenize([one.text])
        roles = find_roles(tokens, 0, one, int(summary_positions(tokens, causal=encoder.causal)))
        for column, layer, cells in _cells(roles, attentions):
            seen = [q + 1 if encoder.causal else int(tokens.real.sum()) for q, _ in cells]
            values = [float(attentions[layer][0, :, q, k].mean()) for q, k in cells]
            found[row, column, layer] = np.mean(np.array(values) * seen)
    return found


def _cells(roles: Any, attentions: Any) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    for column, direction in enumerate(DIRECTIONS):
        queries, keys = queries_and_keys(roles, direction)
        cells = [(q, k) for q in queries for k in keys]
        yield from ((column, layer, cells) for layer in range(len(attentions)) if cells)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_one_pass_gives_what_the_librarys_own_attentions_give(written: tuple[Path, Any], attention: str) -> None:
    folder, model = written
    if attention == "sdpa" and not model._supports_sdpa:
        pytest.skip("the library has no sdpa attention for this model")
    encoder = load(folder, attention)
    wanted = naive(folder, model, encoder)
    assert np.isfinite(wanted).mean() > 0.6
    for size in (1, 2, len(PROMPTS)):
        found = cultural_attention(encoder, PROMPTS, relative=True, batch_size=size)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_by_default_an_encoder_runs_with_the_fast_attention_that_its_class_has(written: tuple[Path, Any]) -> None:
    folder, model = written
    chosen = load(folder, "auto").model.config._attn_implementation
    assert chosen == ("sdpa" if model._supports_sdpa else "eager")


@pytest.mark.parametrize("window", [None, 3])
def test_a_mask_over_keys_alone_means_what_one_over_queries_and_keys_means(window: int | None) -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 4, 6, 8), torch.randn(2, 2, 6, 8)
    rows = torch.tensor([[0, 3], [5, 2]])
    real = torch.tensor([[True] * 6, [True, True, True, True, True, False]])
    distance = torch.arange(6)[:, None] - torch.arange(6)
    whole = (distance >= 0) & real[:, None, None, :] & (distance < (window or 6))
    module = torch.nn.Identity()
    short = row_weights(module, query, key, real, rows, is_causal=True, sliding_window=window)
    torch.testing.assert_close(short, row_weights(module, query, key, whole, rows))
    added = torch.where(whole, 0.0, -torch.inf)
    torch.testing.assert_close(short, row_weights(module, query, key, added, rows))
