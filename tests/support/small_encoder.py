"""Text encoders for tests: a tiny random XLM-R of the real class, and one whose attention is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from culturebench.text_to_image.base import Layer, TextEncoder, Tokens

START, PAD, END, FIRST_WORD = 0, 1, 2, 3


def tokenize_words(texts: Sequence[str]) -> Tokens:
    """One token per word between <s> and </s>, with offsets; a word's id comes from its letters."""
    rows: list[list[tuple[int, tuple[int, int]]]] = []
    for text in texts:
        row, end = [(START, (0, 0))], 0
        for word in text.split():
            start = text.index(word, end)
            end = start + len(word)
            row.append((FIRST_WORD + sum(map(ord, word)) % 90, (start, end)))
        rows.append([*row, (END, (0, 0))])
    length = max(map(len, rows))
    padded = [[*row, *[(PAD, (0, 0))] * (length - len(row))] for row in rows]
    ids = torch.tensor([[token for token, _ in row] for row in padded])
    return Tokens(
        ids=ids,
        real=ids != PAD,
        special=ids < FIRST_WORD,
        offsets=[[span for _, span in row] for row in padded],
    )


class SmallEncoder(TextEncoder):
    """A random XLM-R whose conditioning is its last hidden state."""

    causal = False
    reads = "states"

    def __init__(self, layers: int = 3, d: int = 16, heads: int = 4, attention: str = "eager", seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        sizes: dict[str, Any] = {
            "vocab_size": 100,
            "hidden_size": d,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": 2 * d,
            "max_position_embeddings": 40,
            "type_vocab_size": 1,
            "initializer_range": 0.5,  # far from uniform attention
            "pad_token_id": PAD,
            "attn_implementation": attention,
        }
        config = XLMRobertaConfig(**sizes)
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False).eval().requires_grad_(False)
        self.hidden_size = d
        self.last_upstream_layer = layers - 1
        blocks: Any = self.roberta.encoder.layer
        self.layers = [Layer(i, block.attention.self, block.attention.output.dense) for i, block in enumerate(blocks)]

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        return tokenize_words(texts)

    def forward(self, tokens: Tokens) -> dict[str, Tensor]:
        output = self.roberta(input_ids=tokens.ids, attention_mask=tokens.real.long())
        return {"states": output.last_hidden_state}


class _WrittenAttention(nn.Module):
    def __init__(self, index: int, write: Callable[[int, Tokens], Tensor]) -> None:
        super().__init__()
        self.index, self.write = index, write

    def forward(self, states: Tensor, tokens: Tokens) -> tuple[Tensor, Tensor]:
        weights = self.write(self.index, tokens)  # (batch, heads, q, k)
        return weights.mean(dim=1) @ states, weights


class WrittenEncoder(TextEncoder):
    """An encoder whose attention weights are what `write(layer, tokens)` says."""

    causal = False
    reads = "states"

    def __init__(
        self, layers: int, write: Callable[[int, Tokens], Tensor], last_upstream_layer: int | None = None
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_WrittenAttention(i, write) for i in range(layers))
        self.outputs = nn.ModuleList(nn.Identity() for _ in range(layers))
        self.words = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
        self.hidden_size = 8
        self.last_upstream_layer = layers - 1 if last_upstream_layer is None else last_upstream_layer
        self.layers = [Layer(i, b, o) for i, (b, o) in enumerate(zip(self.blocks, self.outputs, strict=True))]

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        return tokenize_words(texts)

    def forward(self, tokens: Tokens) -> dict[str, Tensor]:
        states = self.words[tokens.ids]
        for block, output in zip(self.blocks, self.outputs, strict=True):
            states = states + output(block(states, tokens)[0])
        return {"states": states}
