"""A cultural caption out of a noun caption and a modifier, or the reason why a person has to write it."""

from __future__ import annotations

import hashlib
import re

from culturebench.captions.spans import CaptionRow, Span, caption_row, noun_span
from culturebench.english import a_or_an

#: Languages whose modifiers precede the noun; in the others they follow it.
_MODIFIER_FIRST = frozenset(("zh", "ja", "ko", "tr", "hi"))
_UNSPACED = frozenset(("zh", "ja", "th"))
_ARTICLE = re.compile(r"(?:a|an|the)\s+", re.IGNORECASE)
_INDEFINITE = re.compile(r"\b(an?)\s+$", re.IGNORECASE)
#: The end of a sentence with another one behind it.
_SENTENCES = re.compile(r"[.!?…؟।]\s+\S|[。！？]\s*\S")
_CLOSING = " \t.,;:!?…،؛؟।。，、！？"


class Unwritten(Exception):
    """What only a person can write; the message says why."""


def all_of_it(noun: CaptionRow) -> Span | None:
    """What counts as the noun of a noun caption where nobody marked it: all but an article of English and full stops.

    None for several sentences, of which nobody can tell.
    """
    text = noun["text"]
    start, end = len(text) - len(text.lstrip()), len(text.rstrip(_CLOSING))
    if noun["language"] == "en" and (article := _ARTICLE.match(text, start)):
        start = article.end()
    return (start, end) if start < end and not _SENTENCES.search(text) else None


def with_modifier(noun: CaptionRow, modifier: str) -> CaptionRow:
    """The noun caption with `modifier` beside its noun, on the side where the language puts it.

    Raises `Unwritten` for several sentences without a marked noun, and where a word with a capital would no longer
    begin the caption: it may be its own, or that of the beginning.
    """
    text, span = noun["text"], noun_span(noun) or all_of_it(noun)
    if span is None:
        raise Unwritten(f"{text!r} has several sentences, and nobody marked the noun")
    before = text[: span[0]].strip()
    if _stands_first(modifier, noun["language"]) and not before and text[span[0]].isupper():
        raise Unwritten(f"{text[span[0] :].split()[0]!r} may have a capital of its own, or that of the beginning")
    return beside(noun, modifier)


def beside(noun: CaptionRow, modifier: str) -> CaptionRow:
    """As `with_modifier`, for any caption and whatever becomes of its capitals."""
    text, language = noun["text"], noun["language"]
    start, end = noun_span(noun) or all_of_it(noun) or (0, len(text))
    gap = "" if language in _UNSPACED else " "
    if not _stands_first(modifier, language):
        at: Span = (end + len(gap), end + len(gap) + len(modifier))
        return caption_row(text[:end] + gap + modifier + text[end:], language, (start, end), at)
    before = _agreeing(text[:start], modifier) if language == "en" else text[:start]
    at = (len(before), len(before) + len(modifier))
    moved: Span = (at[1] + len(gap), at[1] + len(gap) + end - start)
    return caption_row(before + modifier + gap + text[start:], language, moved, at)


def _stands_first(modifier: str, language: str) -> bool:
    return language in _MODIFIER_FIRST or (language == "en" and not modifier.startswith("in "))


def pick(phrases: list[str], picture_id: str) -> str:
    """One of the phrases, always the same for one picture."""
    digest = hashlib.sha256(f"modifier/{picture_id}".encode()).digest()
    return phrases[int.from_bytes(digest[:4], "big") % len(phrases)]


def _agreeing(before: str, word: str) -> str:
    """`before` with its last word, if that is a or an, as `word` asks for."""
    found = _INDEFINITE.search(before)
    if found is None:
        return before
    article = a_or_an(word)
    return before[: found.start(1)] + (article.capitalize() if found[1][0] == "A" else article) + before[found.end(1) :]
