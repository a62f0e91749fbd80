"""What the attention block of one layer adds to each token, for many prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import torch
from torch import Tensor, nn

from culturebench.text_to_image.adapters.batches import ENCODER_ADVICE, Batches
from culturebench.text_to_image.base import TextEncoder, Tokens

SPILLED: Final = "features.f32"


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


def fitting(max_size: int | None = None) -> Batches:
    """Batches of prompts that an encoder's device has memory for."""
    return Batches(max_size, ENCODER_ADVICE, "prompt")


def feature_batches(encoder: TextEncoder, layer: int, texts: Sequence[str], batch_size: int) -> Iterator[FeatureBatch]:
    """The attention outputs at `layer`, batch by batch, in the order of `texts`; smaller ones where memory is short."""

    def read(rows: Sequence[int]) -> FeatureBatch:
        tokens = encoder.tokenize([texts[row] for row in rows])
        with captured(encoder, layer) as found:
            encoder.run(tokens)
        return FeatureBatch(rows[0], tokens, found[-1].float())

    yield from fitting(batch_size).parts(torch.no_grad()(read), range(len(texts)))


def token_features(batches: Iterable[FeatureBatch], *, budget: int | None = None, folder: Path | None = None) -> Tensor:
    """One vector a real token, special ones included: (all real tokens, d).

    With a `budget` in bytes they are on the CPU, and beyond it they are written to a file in `folder`, which must
    be empty, and mapped from there: the same values, of which only those in use are in memory.
    """
    held: list[Tensor] = []
    file: BinaryIO | None = None
    size = rows = d = 0
    try:
        for batch in batches:
            some = batch.features[batch.tokens.real]
            some = some if budget is None else some.cpu()
            rows, d, size = rows + len(some), some.shape[1], size + some.nbytes
            held.append(some)
            if file is None and folder is not None and budget is not None and size > budget:
                file = (folder / SPILLED).open("xb")
            if file is not None:
                file.writelines(part.contiguous().numpy().data for part in held)
                held.clear()
    finally:
        if file is not None:
            file.close()
    if file is None or folder is None:
        return torch.cat(held)
    return torch.from_file(str(folder / SPILLED), size=rows * d, dtype=torch.float32).view(rows, d)


def summary_positions(tokens: Tokens, *, causal: bool) -> Tensor:
    """Where each prompt's summary stands (batch,): the first real token when that is special, as `<s>` is.

    Else the last one: a causal encoder's first token sees nothing, and T5's is a word.
    """
    real = tokens.real.long()
    first, last = real.argmax(dim=1), real.shape[1] - 1 - real.flip(1).argmax(dim=1)
    leads = tokens.special.gather(1, first[:, None])[:, 0]
    return last if causal else torch.where(leads, first, last)


def digest(features: Tensor) -> str:
    """A hash of features (tokens, d), read chunk by chunk."""
    digest = hashlib.sha256(repr(tuple(features.shape)).encode())
    for part in features.split(8192):
        digest.update(part.contiguous().numpy().data)
    return digest.hexdigest()
