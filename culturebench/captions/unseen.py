"""Prompts of the test split whose modifier nobody has seen: whether what was found holds for other words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturebench.atlas.captions import unseen_modifier
from culturebench.captions.spans import CaptionRow, caption_row, modifier_span, noun_span
from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from culturebench.artifacts.prompts import PromptRow


class UnseenError(CultureBenchError):
    """A test prompt whose modifier cannot be exchanged."""


def with_unseen_modifiers(rows: Sequence[PromptRow]) -> list[PromptRow]:
    """The prompts with the atlas's unseen modifier in the place of their own, and no caption but the cultural one.

    `UnseenError` for a row that is not the atlas's, or whose modifier nobody marked.
    """
    return [_exchanged(row) for row in rows]


def _exchanged(row: PromptRow) -> PromptRow:
    cultural = row["cultural"]
    if cultural is None or modifier_span(cultural) is None:
        raise UnseenError(f"the cultural caption of {row['prompt_id']} has no marked modifier to exchange")
    try:
        modifier = unseen_modifier(row["region"], row["subdivision"], cultural["language"])
    except ValueError as error:
        raise UnseenError(
            f"prompts with `modifiers: unseen` are the atlas's, and {row['prompt_id']} is none: {error}; take them off "
            "`prompts` in params.yaml"
        ) from None
    return {**row, "noun": None, "noun_en": None, "cultural": exchanged(cultural, modifier)}


def exchanged(caption: CaptionRow, modifier: str) -> CaptionRow:
    """The caption with `modifier` where its own stands; spans move along."""
    own = modifier_span(caption)
    assert own is not None
    start, end = own
    text, longer, noun = caption["text"], len(modifier) - (end - start), noun_span(caption)
    if noun and noun[0] >= end:
        noun = (noun[0] + longer, noun[1] + longer)
    return caption_row(text[:start] + modifier + text[end:], caption["language"], noun, (start, start + len(modifier)))
