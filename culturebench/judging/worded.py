"""A judge's question of either form in words, and what of the reply counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.judging.base import PictureQuestion, Question

if TYPE_CHECKING:
    from culturebench.vlm.wording import Wording

#: Either form of what a judge is asked.
AnyQuestion = Question | PictureQuestion


@dataclass(frozen=True)
class Worded:
    """What a model that reads is shown: instructions, the question, and pictures (PNG) in their order."""

    system: str
    user: str
    images: tuple[bytes, ...]


def worded(wording: Wording, question: AnyQuestion) -> Worded:
    """The question as it is put; `VlmError` for a region without a name."""
    if isinstance(question, PictureQuestion):
        system = wording.pick_system(len(question.images))
        return Worded(system, wording.pick_question(question.region), question.images)
    return Worded(wording.system(question.options), wording.question(question.options), (question.image,))


def parsed(wording: Wording, text: str, question: AnyQuestion) -> str:
    """The option that the reply names and nothing else, else `unparseable`."""
    if isinstance(question, PictureQuestion):
        return wording.picked(text, question.options)
    return wording.parsed(text, question.options)
