"""One caption as a row: a text in NFC with half-open spans of its noun and modifier, in characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from culturebench.artifacts._caption import CaptionRow as CaptionRow
from culturebench.errors import CultureBenchError

Span = tuple[int, int]

#: The captions of a picture, as columns of `captioned` and as keys of manifests and annotations.
ROLES = ("cultural", "noun", "neutral", "cultural_en", "noun_en")
NO_SPAN: Span = (-1, -1)
#: A span that is all of the caption.
ALL = "*"


class CaptionError(CultureBenchError):
    """A caption that contradicts itself; the message says how."""


def caption_row(text: str, language: str, noun: Span | None = None, modifier: Span | None = None) -> CaptionRow:
    """The caption as the artifacts store it; -1 stands for a span that nobody marked."""
    (noun_start, noun_end), (modifier_start, modifier_end) = noun or NO_SPAN, modifier or NO_SPAN
    return {
        "text": text,
        "language": language,
        "noun_start": noun_start,
        "noun_end": noun_end,
        "modifier_start": modifier_start,
        "modifier_end": modifier_end,
    }


def noun_span(row: CaptionRow) -> Span | None:
    """Where the noun stands, None when nobody marked it."""
    return None if row["noun_start"] < 0 else (row["noun_start"], row["noun_end"])


def modifier_span(row: CaptionRow) -> Span | None:
    """Where the modifier stands, None when there is none or nobody marked it."""
    return None if row["modifier_start"] < 0 else (row["modifier_start"], row["modifier_end"])


def makes_a_pair(cultural: CaptionRow | None, noun: CaptionRow | None) -> bool:
    """Whether the layer probe can compare the two: both nouns and the modifier are marked."""
    if cultural is None or noun is None:
        return False
    return all(span is not None for span in (noun_span(cultural), modifier_span(cultural), noun_span(noun)))


def parse_caption(value: Any, language: str) -> CaptionRow:
    """A caption from a manifest or an annotation: a text, or `{text, noun, modifier}`.

    A span is given as `[start, end]`, as the words themselves, which must then occur exactly once, or as `*` for all.
    Raises `CaptionError`.
    """
    given: Any = {"text": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or not isinstance(given.get("text"), str):
        raise CaptionError(f"a caption is a text or {{text, noun, modifier}}, got {value!r}")
    unknown = sorted(set(given) - {"text", "noun", "modifier"})
    if unknown:
        raise CaptionError(f"unknown key {', '.join(unknown)} in a caption; allowed: text, noun, modifier")
    raw = given["text"]
    if not _is_unicode(raw):
        raise CaptionError(f"half a surrogate pair in {raw!r}")
    text = unicodedata.normalize("NFC", raw)
    if not text.strip():
        raise CaptionError("an empty caption; leave the key out instead")
    spans = {name: _span(given.get(name), raw, name) for name in ("noun", "modifier")}
    if spans["noun"] and spans["modifier"] and _overlap(spans["noun"], spans["modifier"]):
        raise CaptionError(f"noun and modifier overlap in {text!r}")
    return caption_row(text, language, spans["noun"], spans["modifier"])


def _span(value: Any, raw: str, name: str) -> Span | None:
    if value is None or value == "":
        return None
    if value == ALL:
        start, end = len(raw) - len(raw.lstrip()), len(raw.rstrip())
    elif isinstance(value, str):
        count = raw.count(value)
        if count != 1:
            raise CaptionError(f"the {name} {value!r} occurs {count} times in {raw!r}; give [start, end] instead")
        start = raw.index(value)
        start, end = start, start + len(value)
    elif isinstance(value, (list, tuple)) and len(value) == 2 and all(type(n) is int for n in value):
        start, end = value
    else:
        raise CaptionError(f"the {name} must be [start, end] or words of the caption, got {value!r}")
    if not 0 <= start < end <= len(raw):
        raise CaptionError(f"the {name} [{start}, {end}] does not lie within {raw!r} ({len(raw)} characters)")
    # Offsets count characters of the text as given; normalising may have moved them.
    before, through = (len(unicodedata.normalize("NFC", raw[:position])) for position in (start, end))
    return before, through


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
