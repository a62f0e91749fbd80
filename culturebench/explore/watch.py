"""How far a picture is, and a way to end it: the denoiser is watched, whatever pipeline it is in."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from torch import nn

from culturebench.errors import CultureBenchError

#: Is told how many passes of the denoiser have begun; what it raises ends the picture.
Watch = Callable[[int], None]


class StoppedError(CultureBenchError):
    """A picture that somebody stopped."""


@contextmanager
def watched(denoiser: nn.Module, watch: Watch) -> Generator[None]:
    """Within the block `watch` is called before each pass of the denoiser."""
    passes = 0

    def hook(_module: nn.Module, _args: Any) -> None:
        nonlocal passes
        passes += 1
        watch(passes)

    handle = denoiser.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()
