"""Whether a score comes from the very encoder that the pictures were made with."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from culturebench.artifacts.pins import Pin

#: A text encoder is known by the table of its tokens, whatever file holds it and whatever stands around it.
TOKENS = re.compile(r"(token_embedding|word_embeddings|embed_tokens|shared)\.weight$")
ROWS = 64  # of the table that are compared
TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "BF16": "<u2"}


def warning(measure: str, scorer: Pin, model: str, towers: Mapping[str, Pin]) -> str:
    """One sentence when the scorer shares a text encoder with the model; `towers` maps its encoders to their pins."""
    for name, tower in towers.items():
        if (scorer.repo and scorer.repo == tower.repo) or _alike(scorer, tower):
            return (
                f"{measure} of {model} is circular: its scorer {scorer.name} has the text encoder that {model} itself "
                f"reads ({name}), and so finds right what the model finds right"
            )
    return ""


def _alike(one: Pin, other: Pin) -> bool:
    """Equal up to the precision in which they are stored."""
    tables = list(_tables(other))
    return any(
        mine.shape == theirs.shape and np.allclose(mine, theirs, atol=0.01 * float(np.abs(theirs).max()))
        for mine in _tables(one)
        for theirs in tables
    )


def _tables(pin: Pin) -> Iterator[NDArray[np.float64]]:
    """The first rows of every table of tokens in a pin's safetensors files: (rows, d)."""
    for name in sorted(pin.files):
        if name.endswith(".safetensors"):
            yield from _tables_of(Path(pin.folder) / name)


def _tables_of(path: Path) -> Iterator[NDArray[np.float64]]:
    """Read from the file itself: numpy knows no bfloat16, and torch takes seconds to load."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        for name, entry in header.items():
            if TOKENS.search(name) and entry["dtype"] in TYPES:
                rows, d = entry["shape"]
                kind = np.dtype(TYPES[entry["dtype"]])
                file.seek(8 + length + entry["data_offsets"][0])
                numbers = np.frombuffer(file.read(min(rows, ROWS) * d * kind.itemsize), kind).reshape(-1, d)
                if entry["dtype"] == "BF16":
                    numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
                yield numbers.astype(np.float64)
