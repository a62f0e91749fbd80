"""Cultural attention (CA) of many prompts at every layer, in one pass of the encoder.

CA is the mean attention from query tokens to key tokens, over heads. A direction says which tokens those
are. A noun prompt has no modifier; `Prompt.modifier = None` lets the other real tokens of the prompt stand
in for it (the reference `context`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from culturebench.probing.attention_rows import AttentionError, rows_read
from culturebench.probing.features import fitting, summary_positions
from culturebench.text_to_image.base import TextEncoder, Tokens

Span = tuple[int, int]
Positions = list[int]
TOKENIZED_AT_ONCE = 1024

#: query -> key. `later_to_earlier` takes the order of each prompt, since a causal encoder's attention to a
#: later token is 0; `summary` is `<s>`, or the end token of a causal encoder.
DIRECTIONS = ("modifier_to_noun", "later_to_earlier", "summary_to_modifier")


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


def shortest_first(encoder: TextEncoder, prompts: Sequence[Prompt]) -> list[int]:
    """The prompts' indices by their number of real tokens: batches in this order need the least padding."""
    lengths: list[int] = []
    for start in range(0, len(prompts), TOKENIZED_AT_ONCE):
        tokens = encoder.tokenize([prompt.text for prompt in prompts[start : start + TOKENIZED_AT_ONCE]])
        lengths += tokens.mask.sum(dim=1).tolist()
    return sorted(range(len(prompts)), key=lengths.__getitem__)


@torch.no_grad()
def cultural_attention(
    encoder: TextEncoder, prompts: Sequence[Prompt], *, relative: bool, batch_size: int
) -> NDArray[np.float64]:
    """CA of every prompt: (prompts, directions, layers), directions as in `DIRECTIONS`.

    `relative` multiplies attention by the number of tokens that the query can see, so that 1 is uniform.
    NaN where a prompt has no query or no key token. `AttentionError` when the encoder shows no attention.
    """
    values = np.full((len(prompts), len(DIRECTIONS), len(encoder.layers)), np.nan)
    order = shortest_first(encoder, prompts)
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        values[some] = _of_batch(encoder, [prompts[index] for index in some], relative)
    return values


def _of_batch(encoder: TextEncoder, prompts: Sequence[Prompt], relative: bool) -> NDArray[np.float64]:
    """CA in one pass: (prompts, directions, layers)."""
    tokens = encoder.tokenize([prompt.text for prompt in prompts])
    queries, keys = _weights(tokens, prompts, causal=encoder.causal, relative=relative)
    rows, queries = _asked_rows(queries)
    found: dict[int, Tensor] = {}

    def read(layer: int, attention: Tensor) -> None:
        mean = attention.float().mean(dim=1)  # (batch, rows, keys)
        found[layer] = ((queries.to(mean.device) @ mean) * keys.to(mean.device)).sum(dim=-1)  # (batch, directions)

    with rows_read(encoder, rows, read):
        encoder.run(tokens)
    return torch.stack([found[layer.index] for layer in encoder.layers], dim=-1).double().cpu().numpy()


def _asked_rows(queries: Tensor) -> tuple[Tensor, Tensor]:
    """The query tokens that any direction needs (batch, rows), and the weights (batch, directions, rows) of each.

    A prompt with fewer of them repeats some with weight 0; NaN stays NaN.
    """
    needed = (queries.nan_to_num(0) > 0).any(dim=1)  # (batch, tokens)
    width = max(1, int(needed.sum(dim=1).max()))
    rows = needed.int().argsort(dim=1, descending=True, stable=True)[:, :width]
    chosen = needed.gather(1, rows)
    # what is not needed may be padding: its row is read from a token that is
    rows = torch.where(chosen, rows, rows[:, :1])
    weights = queries.gather(2, rows[:, None].expand(-1, queries.shape[1], -1))
    return rows, torch.where(chosen[:, None] | weights.isnan(), weights, 0)


class AttentionReader:
    """A loaded encoder that reads the CA of batches of prompts, each in one pass if the device has memory for it."""

    def __init__(self, encoder: TextEncoder, *, relative: bool) -> None:
        self.encoder = encoder
        self._relative, self._fitting = relative, fitting()

    def __call__(self, prompts: Sequence[Prompt]) -> list[NDArray[np.float64]]:
        """One array (directions, layers) a prompt, as `cultural_attention` has them."""

        def read(some: Sequence[Prompt]) -> list[NDArray[np.float64]]:
            return list(cultural_attention(self.encoder, some, relative=self._relative, batch_size=len(some)))

        return self._fitting.map(read, prompts)


def _weights(tokens: Tokens, prompts: Sequence[Prompt], *, causal: bool, relative: bool) -> tuple[Tensor, Tensor]:
    """Averaging weights of query and key tokens, each (batch, directions, tokens); NaN where there is no token."""
    batch, length = tokens.real.shape
    queries = torch.zeros(batch, len(DIRECTIONS), length, dtype=torch.float32)
    keys = torch.zeros_like(queries)
    summaries = summary_positions(tokens, causal=causal).tolist()
    read = tokens.mask  # with what a template puts around the prompt
    seen = read.cumsum(dim=1) if causal else read.sum(dim=1, keepdim=True).expand(batch, length)
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
