"""What the attention block of one layer adds to each token, for many prompts."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from culturebench.text_to_image.base import TextEncoder, Tokens


@dataclass(frozen=True)
class FeatureBatch:
    """The attention outputs (batch, tokens, d) of a tokenized batch; `start` is its first text's index."""

    start: int
    tokens: Tokens
    features: Tensor


@contextmanager
def captured(encoder: TextEncoder, layer: int) -> Generator[list[Tensor]]:
    """Within the block, each pass appends the attention output (batch, tokens, d) of `layer` to the list."""
    found: list[Tensor] = []

    def hook(_module: nn.Module, _args: Any, output: Tensor) -> None:
        found.append(output.detach())

    handle = encoder.layers[layer].attention_output.register_forward_hook(hook)
    try:
        yield found
    finally:
        handle.remove()


@torch.no_grad()
def feature_batches(encoder: TextEncoder, layer: int, texts: Sequence[str], batch_size: int) -> Iterator[FeatureBatch]:
    """The attention outputs at `layer`, batch by batch, in the order of `texts`."""
    for start in range(0, len(texts), batch_size):
        tokens = encoder.tokenize(texts[start : start + batch_size])
        with captured(encoder, layer) as found:
            encoder.run(tokens)
        yield FeatureBatch(start, tokens, found[-1].float())


def token_features(batches: Iterable[FeatureBatch]) -> Tensor:
    """One vector a real token, special ones included: (all real tokens, d)."""
    return torch.cat([batch.features[batch.tokens.real] for batch in batches])


def summary_positions(tokens: Tokens, *, causal: bool) -> Tensor:
    """Where each prompt's summary stands (batch,): the first real token, or the last one of a causal encoder."""
    real = tokens.real.long()
    if causal:
        return real.shape[1] - 1 - real.flip(1).argmax(dim=1)
    return real.argmax(dim=1)
