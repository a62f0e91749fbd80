"""Neurons of a decoder: read them or silence them while a model works.

A neuron is one coordinate of `act_fn(gate_proj(x))` in the MLP of one decoder layer. With `site: product` what is read
is that times `up_proj(x)`, the input of `down_proj`; silencing is the same for both, since 0 times anything is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from culturebench.vlm.errors import VlmError

Site = Literal["gate", "product"]
#: Gets a layer and its neurons' activations (batch, tokens, neurons).
Reader = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class Off:
    """Neurons that are silenced together: which selector takes them for which culture, by layer."""

    selector: str
    draw: int
    culture: str
    layer: int  # the only one; -1: all
    neurons: Mapping[int, tuple[int, ...]]


def decoder_layers(model: Any) -> Sequence[Any]:
    """The decoder's layers, never the picture tower's; `VlmError` where a layer has no gated MLP of its own."""
    layers = list(model.get_decoder().layers)
    if not all(hasattr(layer.mlp, name) for layer in layers for name in ("act_fn", "gate_proj", "down_proj")):
        raise VlmError(f"{type(model).__name__} has decoder layers without one gated MLP; its neurons cannot be read")
    return layers


def neurons_by_layer(layers: Sequence[Any]) -> int:
    """How many neurons each layer has."""
    return int(layers[0].mlp.down_proj.in_features)


@contextmanager
def gates(
    layers: Sequence[Any],
    *,
    read: Reader | None = None,
    off: Mapping[int, Sequence[int]] | None = None,
    site: Site = "gate",
) -> Generator[None]:
    """While it lasts, `read` sees every layer's neurons, and those of `off` (layer -> neurons) are 0 at every token."""
    with ExitStack() as stack:
        for index, neurons in sorted((off or {}).items()):
            if len(neurons):
                handle = layers[index].mlp.act_fn.register_forward_hook(_silenced(neurons))
                stack.callback(handle.remove)
        for index, layer in enumerate(layers if read else ()):
            if site == "gate":
                handle = layer.mlp.act_fn.register_forward_hook(_read_after(index, read))
            else:
                handle = layer.mlp.down_proj.register_forward_pre_hook(_read_before(index, read, layer.mlp.down_proj))
            stack.callback(handle.remove)
        yield


def _silenced(neurons: Sequence[int]) -> Any:
    chosen = torch.as_tensor(neurons, dtype=torch.long)

    def hook(_: Any, __: Any, out: Tensor) -> Tensor:
        return out.index_fill(-1, chosen.to(out.device), 0)

    return hook


def _read_after(index: int, read: Reader | None) -> Any:
    def hook(_: Any, __: Any, out: Tensor) -> None:
        if read:
            read(index, out)

    return hook


def _read_before(index: int, read: Reader | None, down: Any) -> Any:
    """What a neuron writes: |product| times the length of its column of `down_proj`, whatever their signs."""
    length = down.weight.norm(dim=0)

    def hook(_: Any, inputs: Any) -> None:
        if read:
            read(index, inputs[0].abs() * length.to(inputs[0].dtype))

    return hook
