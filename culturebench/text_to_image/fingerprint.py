"""What tells the weights of one text encoder from another's, in whatever precision they were loaded.

Neurons of layer l depend on the token embeddings and on the blocks 0 to l, so these count, and no block behind them. Of
the embeddings the first rows do: with a token added at the end an encoder reads every other prompt as before. Of each
tensor `SAMPLES` values are read, spread over it, since any training moves nearly all of them.

Loading rounds each weight to the precision asked for, always in the same way. A fingerprint therefore holds one hash a
precision, all made from the weights as published, and an encoder is compared in the narrowest precision it is in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.encoders.families import FAMILIES, WRAPPERS, blocks_of, family_of

SAMPLES = 1024
ROWS = 1000  # of the token embeddings
#: The wide one first.
PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class FingerprintError(CultureBenchError):
    """Weights that cannot be read where they are."""


def fingerprint(encoder: nn.Module, layer: int) -> dict[str, str]:
    """Precision -> sha256 (hex) of the embeddings and the blocks 0 to `layer` as they are when loaded in it.

    `encoder` is a text encoder of `transformers`, or a module around one, in the precision of its file or a wider one.
    """
    found = _samples(encoder, layer)
    return {name: _digest(found, kind) for name, kind in PRECISIONS.items()}


def has_fingerprint(encoder: nn.Module, layer: int, wanted: Mapping[str, str]) -> bool:
    """Whether `encoder`, in any of `PRECISIONS`, has the weights of which `wanted` is the fingerprint.

    One that was widened after it was loaded counts too. False also where its blocks are fewer or of other parts, as
    with adapters inside, or where weights are quantised. `FingerprintError` where they are not in memory.
    """
    found = _samples(encoder, layer)
    kinds = {values.dtype for _, values in found.values()}
    if not kinds or not kinds <= set(PRECISIONS.values()):
        return False
    narrowest = [name for name, kind in PRECISIONS.items() if kind in kinds][-1]
    return any(
        (name == narrowest or _keeps(found, kind)) and _digest(found, kind) == wanted.get(name)
        for name, kind in PRECISIONS.items()
    )


#: Name in its block, with the block's index -> whole shape, and the values that are looked at.
Samples = Mapping[str, tuple[tuple[int, ...], Tensor]]


def _samples(encoder: nn.Module, layer: int) -> Samples:
    model = _model(encoder)
    blocks = blocks_of(model, family_of(model.config.model_type))
    if layer >= len(blocks):
        return {}
    weights: dict[str, Tensor] = {
        f"{index}.{name}": weights
        for index, block in enumerate(blocks[: layer + 1])
        for name, weights in block.named_parameters()
    }
    weights["embeddings"] = model.get_input_embeddings().weight[:ROWS]
    return {name: (tuple(tensor.shape), _spread(name, tensor.detach())) for name, tensor in weights.items()}


def _model(encoder: nn.Module) -> Any:
    """The model of `transformers`, which has a `config`, inside whatever holds it."""
    inner: Any = encoder
    while getattr(inner, "config", None) is None:
        parts = [getattr(inner, name, None) for name in WRAPPERS]
        inner = next((part for part in parts if isinstance(part, nn.Module)), None)
        if inner is None:
            raise FingerprintError(f"{type(encoder).__name__} holds no text encoder of: {', '.join(FAMILIES)}")
    return inner


def _spread(name: str, weights: Tensor) -> Tensor:
    if weights.is_meta:
        raise FingerprintError(
            f"the weights of {name} are moved in for each pass only, so nobody can tell whose they are; "
            "use `enable_model_cpu_offload` in the place of `enable_sequential_cpu_offload`"
        )
    flat = weights.flatten()
    if len(flat) <= SAMPLES:
        return flat.cpu()
    step = len(flat) // SAMPLES | 1  # odd: not always the same column
    return flat[torch.arange(SAMPLES, device=flat.device) * step % len(flat)].cpu()


def _keeps(found: Samples, kind: torch.dtype) -> bool:
    """Whether nothing is lost in the precision `kind`."""
    return all(torch.equal(values.to(kind).to(values.dtype), values) for _, values in found.values())


def _digest(found: Samples, kind: torch.dtype) -> str:
    digest = hashlib.sha256()
    for name, (shape, values) in sorted(found.items()):
        digest.update(f"{name} {shape}\n".encode())
        digest.update(values.to(kind).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
