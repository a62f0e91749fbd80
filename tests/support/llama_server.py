"""A real OpenAI-compatible server that enforces JSON schemas: llama.cpp with tiny random weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gguf
import numpy as np

#: The end of a reply, and the tokens of the bytes 32 to 126.
_PRINTABLE = {2, *range(3 + 32, 3 + 127)}
_WIDTH, _LAYERS, _HEADS, _CONTEXT = 32, 1, 2, 16384


def write_weights(path: Path) -> None:
    """A one-layer llama with random weights and one token for each byte."""
    tokens, kinds = ["<unk>", "<s>", "</s>"], [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    kinds += [gguf.TokenType.BYTE] * 256
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(2 * _WIDTH)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_chat_template("{% for message in messages %}{{ message.content }}\n{% endfor %}")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    dice = np.random.default_rng(0)
    shapes = {"token_embd": (len(tokens), _WIDTH), "output": (len(tokens), _WIDTH)}
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        shapes[f"blk.0.{name}"] = (_WIDTH, _WIDTH)
    shapes |= {
        "blk.0.ffn_gate": (2 * _WIDTH, _WIDTH),
        "blk.0.ffn_up": (2 * _WIDTH, _WIDTH),
        "blk.0.ffn_down": (_WIDTH, 2 * _WIDTH),
    }
    matrices = {name: (dice.standard_normal(shape) / 8).astype(np.float32) for name, shape in shapes.items()}
    # The first dimension is alike for every token, so that its output weight keeps the replies to printable letters.
    matrices["token_embd"][:, 0] = 10.0
    matrices["output"][:, 0] = [0.0 if token in _PRINTABLE else -20.0 for token in range(len(tokens))]
    matrices["output"][3 + ord('"'), 0] = 0.4  # texts end after some ten letters
    for name, matrix in matrices.items():
        writer.add_tensor(f"{name}.weight", matrix)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(_WIDTH, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextmanager
def llama_server(folder: Path) -> Iterator[str]:
    """The base URL of a running server."""
    import xllamacpp

    weights = folder / "tiny.gguf"
    write_weights(weights)
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = _CONTEXT
    params.n_parallel = 1
    params.warmup = False
    params.port = 0
    params.endpoint_slots = False
    server = xllamacpp.Server(params)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server
