"""What a judge is asked and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from culturebench.errors import CultureBenchError


class JudgeError(CultureBenchError):
    """A judge that did not answer."""


@dataclass(frozen=True)
class Question:
    """A picture (PNG) and the options in the order shown."""

    image: bytes
    options: list[str]


@dataclass(frozen=True)
class PictureQuestion:
    """Pictures (PNG) in the order shown, their ids, and the region that one of them is to show."""

    images: tuple[bytes, ...]
    options: list[str]
    region: str


@dataclass(frozen=True)
class Answer:
    """One answer: an option, or `unparseable`; `object` is "" from a judge that is not asked for it."""

    answer: str
    object: str
    raw: str  # the reply as it came
    served_model: str


class Judge(Protocol):
    """Whoever answers CultureVQA."""

    def answer(self, images: Sequence[Image.Image], options: Sequence[Sequence[str]]) -> list[Answer]:
        """One answer per picture; `options` are each picture's own, in the order shown."""
        ...

    def pick(
        self, images: Sequence[Sequence[Image.Image]], options: Sequence[Sequence[str]], regions: Sequence[str]
    ) -> list[Answer]:
        """One answer per question: which of its pictures, called by its options, shows its region."""
        ...


def shuffled(options: Sequence[str], seed: int, prompt_id: str, picture_seed: int) -> list[str]:
    """The options in this question's order: the same under every condition and for every judge."""

    def place(option: str) -> str:
        return hashlib.sha256(f"{seed}/{prompt_id}/{picture_seed}/{option}".encode()).hexdigest()

    return sorted(options, key=place)
