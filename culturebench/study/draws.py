"""Draws that depend on names alone, so that one more prompt or person changes no other draw."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from culturebench.errors import CultureBenchError


class StudyError(CultureBenchError):
    """A study that cannot be planned or read; the message says what to change where."""


def digest(*parts: object) -> str:
    """64 hexadecimal digits that tell nothing of the parts."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def share(*parts: object) -> float:
    """A number in [0, 1)."""
    return int(digest(*parts)[:12], 16) / 16**12


def shuffled(names: Iterable[str], *parts: object) -> list[str]:
    """The names in an order of their own for these parts."""
    return sorted(names, key=lambda name: digest(*parts, name))
