"""Work in batches that fit into the device's memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from culturebench.errors import CultureBenchError

T = TypeVar("T")
R = TypeVar("R")
MODEL_ADVICE = "set models.*.runtime.offload: model, a smaller models.*.size"
ENCODER_ADVICE = "set encoders.*.runtime.dtype: bfloat16, or encoders.*.runtime.device: cpu"


class DeviceMemoryError(CultureBenchError):
    """A device without memory for a single item."""


#: What devices say that have no exception of their own for it: cuBLAS, Apple's, and a CPU's allocator.
_SAID = ("CUBLAS_STATUS_ALLOC_FAILED", "MPS backend out of memory", "DefaultCPUAllocator: can't allocate memory")


def _full(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _SAID)


class Batches:
    """Batches of at most `max_size` items, halved for good whenever the device runs out of memory."""

    def __init__(self, max_size: int | None = None, advice: str = MODEL_ADVICE, item: str = "picture") -> None:
        """`advice`: what to change when not even one item fits; `item`: what it is called there."""
        self.max_size, self._advice, self._item = max_size, advice, item

    def map(self, work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T]) -> list[R]:
        """The results of `work`, one an item, in the order of `items`; errors as of `parts`."""
        return [result for part in self.parts(work, items) for result in part]

    def parts(self, work: Callable[[Sequence[T]], R], items: Sequence[T]) -> Iterator[R]:
        """What `work` makes of each batch, in order; `DeviceMemoryError` when not even one item fits."""
        done = 0
        while done < len(items):
            size = min(self.max_size or len(items), len(items) - done)
            try:
                part = work(items[done : done + size])
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not _full(error):
                    raise
                if size == 1:
                    raise DeviceMemoryError(
                        f"the device has no memory for a single {self._item}; {self._advice}, "
                        "or free memory that other programs hold"
                    ) from None
            else:
                done += size
                yield part
                continue
            self.max_size = size // 2
            torch.cuda.empty_cache()
            print(f"out of memory with {size} {self._item}s at once; going on with {self.max_size}", file=sys.stderr)
