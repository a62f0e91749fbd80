"""Probing on a device that is full: smaller batches, the same values, and a word about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from culturebench.probing.attention import AttentionReader, cultural_attention
from culturebench.probing.causal import LayerCheck, effects
from culturebench.probing.features import feature_batches, token_features
from culturebench.text_to_image.adapters.batches import DeviceMemoryError
from culturebench.text_to_image.base import Tokens
from planted_attention import some_pairs
from small_encoder import SmallEncoder

PAIRS = some_pairs()[:6]
PROMPTS = [pair.cultural for pair in PAIRS]
SAID = "out of memory with 6 prompts at once; going on with 3\nout of memory with 3 prompts at once; going on with 1\n"


class Full(SmallEncoder):
    """Has memory for `room` prompts at once."""

    room = 2

    def run(self, tokens: Tokens) -> Any:
        if len(tokens.ids) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().run(tokens)


def test_attention_is_read_in_halves_with_the_same_values(capsys: pytest.CaptureFixture[str]) -> None:
    found = AttentionReader(Full(), relative=True)(PROMPTS)
    expected = cultural_attention(SmallEncoder(), PROMPTS, relative=True, batch_size=6)
    np.testing.assert_allclose(np.stack(found), expected, rtol=1e-5)
    assert capsys.readouterr().err == SAID


def test_the_causal_check_goes_on_in_halves_with_the_same_values(capsys: pytest.CaptureFixture[str]) -> None:
    found = LayerCheck(Full(), share=0.1)(PAIRS)
    np.testing.assert_allclose(np.stack(found), effects(SmallEncoder(), PAIRS, 0.1), atol=1e-4)
    assert capsys.readouterr().err == SAID


def test_features_come_in_smaller_batches_that_say_where_they_start(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [prompt.text for prompt in PROMPTS]
    parts = list(feature_batches(Full(), 1, texts, 6))
    assert [part.start for part in parts] == list(range(6))
    expected = token_features(feature_batches(SmallEncoder(), 1, texts, 6))
    torch.testing.assert_close(token_features(parts), expected)
    assert capsys.readouterr().err == SAID


def test_a_device_without_memory_for_one_prompt_is_one_error() -> None:
    encoder = Full()
    encoder.room = 0
    with pytest.raises(DeviceMemoryError, match=r"no memory for a single prompt; set encoders\.\*\.runtime"):
        AttentionReader(encoder, relative=True)(PROMPTS)
