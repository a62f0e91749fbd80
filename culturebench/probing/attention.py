"""Cultural attention (CA) of many prompts at every layer, in one pass of the encoder.

CA is the mean attention from query tokens to key tokens, over heads. A direction says which tokens those
are. A noun prompt has no modifier; `Prompt.modifier = None` lets the other real tokens of the prompt stand
in for it (the reference `context`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from culturebench.errors import CultureBenchError
from culturebench.probing.features import summary_positions
from culturebench.text_to_image.base import TextEncoder, Tokens

Span = tuple[int, int]
Positions = list[int]
#: Attention weights (batch, heads, queries, keys) of a layer's index, as the layer runs.
Reader = Callable[[int, Tensor], None]

#: query -> key. `later_to_earlier` takes the order of each prompt, since a causal encoder's attention to a
#: later token is 0; `summary` is `<s>`, or the end token of a causal encoder.
DIRECTIONS = ("modifier_to_noun", "later_to_earlier", "summary_to_modifier")


class AttentionError(CultureBenchError):
    """An encoder that does not show its attention, or a prompt in which there is nothing to look at."""


@dataclass(frozen=True)
class Prompt:
    """A text with the character spans of its noun and modifier, half-open.

    Without a modifier, the other real tokens stand in for it: those behind the noun in the direction
    `later_to_earlier` when `modifier_follows`, those before it when not; all of them otherwise.
    """

    text: str
    noun: Span
    modifier: Span | None
    modifier_follows: bool


@dataclass(frozen=True)
class Roles:
    """Token positions of one prompt's modifier (or what stands in for it), noun and summary."""

    modifier: Positions
    noun: Positions
    summary: int
    stand_in: bool
    modifier_follows: bool


def find_roles(tokens: Tokens, row: int, prompt: Prompt, summary: int) -> Roles:
    """Positions in `row` of a batch; a token that covers modifier and noun counts as noun only."""
    noun = tokens.positions(row, *prompt.noun)
    if prompt.modifier is None:
        modifier = [i for i, real in enumerate(tokens.real[row].tolist()) if real and i not in noun]
    else:
        modifier = [i for i in tokens.positions(row, *prompt.modifier) if i not in noun]
    return Roles(modifier, noun, summary, prompt.modifier is None, prompt.modifier_follows)


def queries_and_keys(roles: Roles, direction: str) -> tuple[Positions, Positions]:
    """The query and key positions of `direction`; either may be empty when the prompt has no such token."""
    if direction == "modifier_to_noun":
        return roles.modifier, roles.noun
    if direction == "summary_to_modifier":
        return [roles.summary], [i for i in roles.modifier if i != roles.summary]
    if direction != "later_to_earlier":
        raise AttentionError(f"unknown direction {direction!r}; valid: {', '.join(DIRECTIONS)}")
    if not roles.noun:
        return [], []
    if roles.modifier_follows:
        after = [i for i in roles.modifier if not roles.stand_in or i > max(roles.noun)]
        return after, roles.noun
    before = [i for i in roles.modifier if not roles.stand_in or i < min(roles.noun)]
    return roles.noun, before


@torch.no_grad()
def cultural_attention(
    encoder: TextEncoder, prompts: Sequence[Prompt], *, relative: bool, batch_size: int
) -> NDArray[np.float64]:
    """CA of every prompt: (prompts, directions, layers), directions as in `DIRECTIONS`.

    `relative` multiplies attention by the number of tokens that the query can see, so that 1 is uniform.
    NaN where a prompt has no query or no key token. `AttentionError` when the encoder returns no weights.
    """
    values = np.full((len(prompts), len(DIRECTIONS), len(encoder.layers)), np.nan)
    for start in range(0, len(prompts), batch_size):
        some = prompts[start : start + batch_size]
        tokens = encoder.tokenize([prompt.text for prompt in some])
        queries, keys = _weights(tokens, some, causal=encoder.causal, relative=relative)
        block = values[start : start + len(some)]

        def read(
            layer: int, attention: Tensor, queries: Tensor = queries, keys: Tensor = keys, block: Any = block
        ) -> None:
            mean = attention.mean(dim=1).double()  # (batch, q, k)
            block[:, :, layer] = ((queries @ mean) * keys).sum(dim=-1).cpu().numpy()

        with attention_read(encoder, read):
            encoder.run(tokens)
    return values


class AttentionReader:
    """A loaded encoder that reads the CA of batches of prompts, each batch in one pass."""

    def __init__(self, encoder: TextEncoder, *, relative: bool) -> None:
        self.encoder = encoder
        self._relative = relative

    def __call__(self, prompts: Sequence[Prompt]) -> list[NDArray[np.float64]]:
        """One array (directions, layers) a prompt, as `cultural_attention` has them."""
        return list(cultural_attention(self.encoder, prompts, relative=self._relative, batch_size=len(prompts)))


@contextmanager
def attention_read(encoder: TextEncoder, reader: Reader) -> Generator[None]:
    """Within the block, `reader` gets each layer's attention weights as it runs; nothing is kept."""

    def hook_of(index: int) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            weights = output[-1] if isinstance(output, tuple) else None  # T5 returns three
            if not isinstance(weights, Tensor) or weights.dim() != 4:
                raise AttentionError(
                    f"layer {index} of {type(encoder).__name__} returned no attention weights; "
                    'load the encoder with attn_implementation="eager"'
                )
            reader(index, weights)

        return hook

    with ExitStack() as stack:
        for layer in encoder.layers:
            stack.callback(layer.attention.register_forward_hook(hook_of(layer.index)).remove)
        yield


def _weights(tokens: Tokens, prompts: Sequence[Prompt], *, causal: bool, relative: bool) -> tuple[Tensor, Tensor]:
    """Averaging weights of query and key tokens, each (batch, directions, tokens); NaN where there is no token."""
    batch, length = tokens.real.shape
    queries = torch.zeros(batch, len(DIRECTIONS), length, dtype=torch.float64)
    keys = torch.zeros_like(queries)
    summaries = summary_positions(tokens, causal=causal).tolist()
    seen = tokens.real.cumsum(dim=1) if causal else tokens.real.sum(dim=1, keepdim=True).expand(batch, length)
    for row, prompt in enumerate(prompts):
        roles = find_roles(tokens, row, prompt, summaries[row])
        for column, direction in enumerate(DIRECTIONS):
            asking, asked = queries_and_keys(roles, direction)
            if not asking or not asked:
                queries[row, column] = torch.nan
                continue
            queries[row, column, asking] = 1 / len(asking)
            keys[row, column, asked] = 1 / len(asked)
    return (queries * seen[:, None, :] if relative else queries), keys
