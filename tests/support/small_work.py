"""Work for the engine's tests, in a module that other processes can import."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def square(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number}\nis negative")
    if number == 666:
        raise ZeroDivisionError("nobody expected this")
    return number * number


def last_first(number: int) -> int:
    """The earlier its turn, the longer it takes."""
    time.sleep(max(0.0, 0.2 - number / 50))
    return number


def who(_: int) -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def end(_: int) -> int:
    os._exit(7)


def load_counted(folder: Path) -> Callable[[Sequence[int]], list[int]]:
    """Leaves one file for each time it is loaded, and one for each batch that it does."""
    (folder / f"loaded-{os.getpid()}-{time.monotonic_ns()}").touch()

    def work(batch: Sequence[int]) -> list[int]:
        time.sleep(0.3)
        (folder / f"done-{batch[0]}-{time.monotonic_ns()}").touch()
        return [number * number for number in batch]

    return work


def plus_one(batch: Sequence[int]) -> list[int]:
    """The part of a batch's work that needs no model; 13 cannot be finished."""
    if 13 in batch:
        raise ZeroDivisionError("nobody finishes 13")
    return [number + 1 for number in batch]
