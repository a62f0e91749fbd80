"""Which picture of a region stands for it before readers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from culturebench.artifacts.splits import SplitRow

    R = TypeVar("R", bound=SplitRow)


def example_of(rows: Iterable[R]) -> R | None:
    """The first by picture id of those with most of the four captions; decided ones come before provisional ones."""
    return min(rows, key=_place, default=None)


def _place(row: SplitRow) -> tuple[bool, int, str]:
    return row["provisional"], (row["cultural_en"] is None) + (row["noun_en"] is None), row["picture_id"]
