from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from culturebench.probing.attention import (
    DIRECTIONS,
    Prompt,
    cultural_attention,
    find_roles,
    queries_and_keys,
    shortest_first,
)
from culturebench.probing.attention_rows import AttentionError, rows_read
from culturebench.probing.features import captured, summary_positions
from tests.support.small_encoder import SmallEncoder, WrittenEncoder, tokenize_words


def prompt(text: str, noun: str, modifier: str | None = None, follows: bool = False):
    span = lambda word: (text.index(word), text.index(word) + len(word))  # noqa: E731
    return Prompt(text, span(noun), span(modifier) if modifier else None, follows)


PROMPTS = [
    prompt("a seigaiha style vase on a table", "vase", "seigaiha style"),
    prompt("vase japonais", "vase", "japonais", follows=True),
    prompt("a vase on a table near the old door", "vase"),
    prompt("vase", "vase"),
]


def hooks(module: Any):
    return sum(len(m._forward_hooks) for m in module.modules())


def naive(encoder: Any, prompts: Any, relative: bool):
    """The same from `output_attentions`, one prompt at a time, without any padding."""
    found = np.full((len(prompts), len(DIRECTIONS), len(encoder.layers)), np.nan)
    for row, one in enumerate(prompts):
        tokens = encoder.tokenize([one.text])
        output = encoder.roberta(
            input_ids=tokens.ids, attention_mask=tokens.real.long(), output_attentions=True, return_dict=True
        )
        roles = find_roles(tokens, 0, one, 0)
        for column, direction in enumerate(DIRECTIONS):
            queries, keys = queries_and_keys(roles, direction)
            for layer, weights in enumerate(output.attentions):
                cells = [weights[0, :, q, k].mean() for q in queries for k in keys]
                found[row, column, layer] = torch.stack(cells).mean() * (tokens.ids.shape[1] if relative else 1)
    return found


@pytest.mark.parametrize("relative", [True, False])
def test_one_hooked_pass_gives_what_the_librarys_own_attentions_give(relative: bool):
    encoder = SmallEncoder(layers=4)
    found = cultural_attention(encoder, PROMPTS, relative=relative, batch_size=3)
    np.testing.assert_allclose(found, naive(encoder, PROMPTS, relative), atol=1e-5)


def test_uniform_attention_is_1_in_the_relative_unit_whatever_the_length():
    def uniform(_layer: Any, tokens: Any):
        weights = tokens.real[:, None, None, :].float()
        return (weights / weights.sum(-1, keepdim=True)).expand(-1, 2, tokens.real.shape[1], -1)

    found = cultural_attention(WrittenEncoder(2, uniform), PROMPTS, relative=True, batch_size=4)
    np.testing.assert_allclose(found, 1.0, atol=1e-6)


def test_uniform_attention_to_what_a_causal_encoder_can_see_is_1_too():
    def uniform(_layer: Any, tokens: Any):
        length = tokens.real.shape[1]
        weights = torch.ones(length, length).tril() / torch.arange(1, length + 1)[:, None]
        return weights.expand(len(tokens.real), 2, -1, -1)

    encoder = WrittenEncoder(2, uniform)
    encoder.causal = True
    found = cultural_attention(encoder, PROMPTS, relative=True, batch_size=4)
    column = DIRECTIONS.index("later_to_earlier")
    np.testing.assert_allclose(found[:, column], 1.0, atol=1e-6)


def test_in_the_direction_later_to_earlier_the_word_order_says_who_asks():
    tokens = tokenize_words([PROMPTS[0].text, PROMPTS[1].text])
    before = find_roles(tokens, 0, PROMPTS[0], 0)
    after = find_roles(tokens, 1, PROMPTS[1], 0)
    assert queries_and_keys(before, "later_to_earlier") == ([4], [2, 3])
    assert queries_and_keys(after, "later_to_earlier") == ([2], [1])


def test_without_a_modifier_the_other_real_tokens_stand_in():
    tokens = tokenize_words([PROMPTS[2].text, "a longer text than the other one by far indeed it is"])
    roles = find_roles(tokens, 0, PROMPTS[2], 0)
    last = int(tokens.real[0].sum()) - 1
    assert queries_and_keys(roles, "modifier_to_noun") == ([0, 1, *range(3, last + 1)], [2])
    assert queries_and_keys(roles, "summary_to_modifier") == ([0], [1, *range(3, last + 1)])
    assert queries_and_keys(roles, "later_to_earlier") == ([2], [0, 1])


def test_a_token_that_covers_modifier_and_noun_counts_as_noun_and_a_missing_one_gives_nan():
    whole = Prompt("bluevase", (4, 8), (0, 4), modifier_follows=False)
    found = cultural_attention(SmallEncoder(), [whole, PROMPTS[0]], relative=True, batch_size=2)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def test_the_summary_is_the_first_token_or_the_last_real_one_of_a_causal_encoder():
    tokens = tokenize_words(["a b c", "a"])
    assert summary_positions(tokens, causal=False).tolist() == [0, 0]
    assert summary_positions(tokens, causal=True).tolist() == [4, 2]


def test_an_encoder_that_hides_its_attention_gives_one_clear_error():
    encoder = SmallEncoder(attention="sdpa")
    encoder.layers[0] = replace(encoder.layers[0], attention=torch.nn.Identity())
    with pytest.raises(AttentionError, match=r"layer 0 .*`attention: eager`"):
        cultural_attention(encoder, PROMPTS, relative=True, batch_size=4)


def test_hooks_come_off_after_an_exception():
    encoder = SmallEncoder()
    tokens = encoder.tokenize(["a vase"])

    def fail(*_: Any):
        raise RuntimeError("boom")

    for block in (rows_read(encoder, torch.zeros(1, 1, dtype=torch.long), fail), encoder.edited(1, fail)):
        with pytest.raises(RuntimeError, match="boom"), block:
            encoder.run(tokens)
        assert hooks(encoder) == 0
    with pytest.raises(RuntimeError, match="boom"), captured(encoder, 1):
        fail()
    assert hooks(encoder) == 0


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_of_each_layer_only_the_rows_that_were_asked_for_are_read(attention: str):
    shapes = []
    encoder = SmallEncoder(attention=attention)
    tokens = encoder.tokenize(["a vase on a table", "vase"])
    with rows_read(encoder, torch.tensor([[2, 0], [1, 1]]), lambda _layer, weights: shapes.append(weights.shape)):
        encoder.run(tokens)
    assert shapes == [(2, 4, 2, 7)] * len(encoder.layers)


def test_the_librarys_back_end_is_its_own_again_afterwards():
    before = ALL_ATTENTION_FUNCTIONS["sdpa"]
    encoder = SmallEncoder(attention="sdpa")

    def fail(*_: Any):
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"), rows_read(encoder, torch.zeros(1, 1, dtype=torch.long), fail):
        encoder.run(encoder.tokenize(["a vase"]))
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is before


def test_another_model_of_the_same_back_end_runs_beside_and_is_not_read():
    encoder, other = SmallEncoder(attention="sdpa"), SmallEncoder(attention="sdpa", seed=1)
    tokens = encoder.tokenize(["a vase"])
    seen = []
    with rows_read(encoder, torch.zeros(1, 1, dtype=torch.long), lambda layer, _weights: seen.append(layer)):
        encoder.run(tokens)
        other.run(tokens)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_pass_ends_where_the_last_layer_has_shown_its_attention(attention: str):
    encoder = SmallEncoder(attention=attention)
    written: list[int] = []
    for layer in encoder.layers:
        layer.attention_output.register_forward_hook(lambda *_, index=layer.index: written.append(index))
    cultural_attention(encoder, PROMPTS, relative=False, batch_size=len(PROMPTS))
    assert written == [layer.index for layer in encoder.layers[:-1]]
    assert encoder.run(encoder.tokenize(["vase"]))["states"].shape[1] == 3, "the next pass is a whole one"


def test_short_prompts_come_first_so_that_batches_need_little_padding():
    assert shortest_first(SmallEncoder(), PROMPTS) == [3, 1, 0, 2]
