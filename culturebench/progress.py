"""A long loop says how fast it goes and when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(iterable: Iterable[T], total: int | None = None, label: str = "") -> Iterator[T]:
    """The same items, with rate and expected end on stderr, at most one line per second."""
    yield from tqdm(iterable, total=total, desc=label, mininterval=1.0, dynamic_ncols=True)
