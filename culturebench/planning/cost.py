"""Operations and memory of any work in torch, counted on the meta device: its shapes without its numbers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from culturebench.planning.prices import Cost


def cost_of(work: Callable[[], Any]) -> Cost:
    """What `work` on tensors of the meta device costs, its backward passes included.

    Only matrix products, convolutions and attention count as operations (torch.utils.flop_counter). The peak is of what
    `work` itself makes: weights and other tensors from outside are not in it, nor what kernels need inside.
    """
    counter = _Counter()
    with counter, _fused_attention():
        work()
    return Cost(float(counter.flops), counter.peak)


def size_of(modules: Sequence[nn.Module]) -> int:
    """Bytes of the modules' weights."""
    return sum(weight.numel() * weight.element_size() for module in modules for weight in module.parameters())


class _Counter(TorchDispatchMode):
    """Operations, and bytes of all storages that operations have made and that something still holds: their peak.

    torch's FlopCounterMode, whose formulas these are, keeps each module's tensors in cycles for its table by modules:
    beside it the peak would hang on when the garbage collector last ran.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.peak = self._now = 0
        self._held: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = {self._key(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        made = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func.overloadpacket):
            self.flops += formula(*args, **(kwargs or {}), out_val=made)
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor) and self._key(leaf) not in given:
                self._hold(leaf)
        return made

    def _hold(self, tensor: Tensor) -> None:
        storage, key = tensor.untyped_storage(), self._key(tensor)
        if key in self._held:
            return
        size = storage.nbytes()

        def release(_: Any) -> None:
            del self._held[key]
            self._now -= size

        self._held[key] = weakref.ref(storage, release)
        self._now += size
        self.peak = max(self.peak, self._now)

    def _key(self, tensor: Tensor) -> int:
        return int(tensor.untyped_storage()._cdata)


@contextmanager
def _fused_attention() -> Generator[None]:
    """Within the block attention is as a GPU does it: no matrix of all tokens by all tokens is held in memory."""
    plain = functional.scaled_dot_product_attention

    def fused(
        query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *args: Any, **more: Any
    ) -> Any:
        if attn_mask is not None or args or more.get("enable_gqa"):
            return plain(query, key, value, attn_mask, *args, **more)
        causal = bool(more.get("is_causal"))
        flash = torch.ops.aten._scaled_dot_product_flash_attention
        return flash(query, key, value, 0.0, causal, False, scale=more.get("scale"))[0]

    functional.scaled_dot_product_attention = fused  # a torch function mode is off in backward passes
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = plain
