"""Parts of a pipeline that torch.compile made faster; one that carries hooks runs as it was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from culturebench.errors import CultureBenchError


class CompileError(CultureBenchError):
    """A compiler that torch does not know, or that does not work on this machine."""


def compile_part(part: nn.Module, backend: str) -> None:
    """Compile a part in place, at its first call; it keeps its class, its parameters and its names.

    While any of its modules has a forward hook it runs uncompiled, since compiled code ignores hooks, or keeps them for
    good (torch.compile's notes on modules): an adapter in force, a training and a preview's watcher all work by hooks.
    """
    part._compiled_call_impl = _WithoutHooks(part, torch.compile(part._call_impl, backend=backend))


class _WithoutHooks:
    def __init__(self, part: nn.Module, compiled: Callable[..., Any]) -> None:
        self._modules, self._plain, self._compiled = list(part.modules()), part._call_impl, compiled

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hooked = any(module._forward_hooks or module._forward_pre_hooks for module in self._modules)
        return (self._plain if hooked else self._compiled)(*args, **kwargs)


def check_compiler(backend: str, device: torch.device) -> None:
    """`CompileError` for a backend of torch.compile that cannot compile a small function for the device."""
    try:
        torch.compile(lambda x: x.sin() + 1, backend=backend)(torch.ones(8, device=device))
    except Exception as error:  # each backend fails in a way of its own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CompileError(
            f"models.*.runtime.compile: {backend} does not work here ({reason}); null always does, and torch knows "
            f"{', '.join(torch.compiler.list_backends())}"
        ) from None
