"""What English asks for where captions are put together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import inflect


@cache
def a_or_an(word: str) -> str:
    """The article that the word asks for: a unicorn, an hour."""
    return _engine().a(word).split()[0]


@cache
def _engine() -> inflect.engine:
    import inflect  # 0.3 s, and most captions need none of it

    return inflect.engine()
