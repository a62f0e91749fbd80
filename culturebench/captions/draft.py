"""What a model has to return for a picture, what can be wrong with it, and the captions it becomes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model, field_validator

from culturebench.captions.spans import (
    CaptionError,
    CaptionRow,
    Span,
    caption_row,
    modifier_span,
    noun_span,
    parse_caption,
)
from culturebench.captions.wording import named_country, wrong_language, wrong_script

#: The subdivision of a picture that belongs to none of the region's.
OTHER = "other"
_MAX_CUES, _MAX_CUE_LENGTH = 8, 60
#: What no space stands before; "" is the end of the caption.
_CLOSING = ("", ",", ".", ";", ":", "،", "؛", "，", "、", "。")


class Draft(BaseModel):
    """The captions of one picture as a model proposes them."""

    caption: str = Field(description="the cultural caption in the region's language")
    modifier: str = Field(description="the culture-style modifier, copied exactly from `caption`")
    noun: str = Field(description="the one noun that the modifier describes, copied exactly from `caption`")
    caption_en: str = Field(description="the same caption in English")
    modifier_en: str = Field(description="the modifier, copied exactly from `caption_en`")
    noun_en: str = Field(description="the noun, copied exactly from `caption_en`")
    cues: list[str] = Field(description="1 to 8 visible features that show the culture, each 1 to 4 English words")

    @field_validator("caption", "modifier", "noun", "caption_en", "modifier_en", "noun_en")
    @classmethod
    def _normalised(cls, text: str) -> str:
        return unicodedata.normalize("NFC", text).strip()


@dataclass(frozen=True)
class Rules:
    """What captions of one region must keep to."""

    language: str
    script: str
    iso: Sequence[str]
    max_length: int  # characters of a caption


@dataclass(frozen=True)
class Problem:
    """What is wrong: a reason that can be counted, and a sentence that a model or a person can act on."""

    reason: str
    detail: str


@cache
def draft_schema(subdivisions: tuple[str, ...]) -> type[Draft]:
    """`Draft` with a `subdivision` that is one of the region's, or `other`."""
    allowed: Any = Literal[(*subdivisions, OTHER)]
    field = Field(description="the key of the subdivision that the picture shows")
    return create_model(
        "Captions", __base__=Draft, __doc__="The captions of one picture.", subdivision=(allowed, field)
    )


def problems(draft: Draft, rules: Rules, experts: str) -> list[Problem]:
    """Everything that is wrong with a draft; `experts` is the subdivision that they named, "" when they did not."""
    found = [*_of_text(draft, "", rules), *_of_text(draft, "_en", rules), *_of_cues(draft.cues)]
    subdivision = getattr(draft, "subdivision", OTHER)
    if experts and subdivision != experts:
        found.append(Problem("other_subdivision", f"the experts say {experts!r}, not {subdivision!r}"))
    return found


def _of_text(draft: Draft, suffix: str, rules: Rules) -> Iterator[Problem]:
    """The problems of the caption in one language; those that hide others come alone."""
    text: str = getattr(draft, f"caption{suffix}")
    language, script = ("en", "Latn") if suffix else (rules.language, rules.script)
    here = f"`caption{suffix}`"
    if not text.strip():
        yield Problem("empty", f"{here} is empty")
        return
    if len(text) > rules.max_length:
        yield Problem("too_long", f"{here} has {len(text)} characters; {rules.max_length} are allowed")
    if strange := wrong_script(text, script):
        yield Problem("wrong_script", f"{here} must be in {script} letters, without {strange[:40]!r}")
    elif other := wrong_language(text, language):
        yield Problem("wrong_language", f"{here} must be in {language}, not in {other}")
    for part in ("modifier", "noun"):
        words = getattr(draft, part + suffix)
        if not _places(text, words):
            yield Problem(f"{part}_not_verbatim", f"`{part}{suffix}` {words!r} does not occur in {here}")
    if len(_places(text, getattr(draft, f"modifier{suffix}"))) > 1:
        yield Problem("modifier_not_unique", f"`modifier{suffix}` must occur once in {here}")
    row = _row(draft, suffix, language)
    if isinstance(row, Problem):
        yield row
    elif row and (name := named_country(without_modifier(row)["text"], language, rules.iso)):
        yield Problem(
            "names_the_country", f"in {here} only the modifier may name a country or its people, not {name!r}"
        )


def _row(draft: Draft, suffix: str, language: str) -> CaptionRow | Problem | None:
    """The caption with its spans; None when they are not to be found, which is a problem of its own."""
    text = getattr(draft, f"caption{suffix}")
    modifiers, nouns = (_places(text, getattr(draft, part + suffix)) for part in ("modifier", "noun"))
    if len(modifiers) != 1 or not nouns:
        return None
    start, end = modifiers[0]
    # A noun may be named again further on; the one beside the modifier is meant.
    apart = [span for span in nouns if span[1] <= start or span[0] >= end] or nouns
    noun = min(apart, key=lambda span: max(start - span[1], span[0] - end))
    try:
        return parse_caption({"text": text, "modifier": [start, end], "noun": list(noun)}, language)
    except CaptionError as error:
        return Problem("spans_overlap", str(error))


def _places(text: str, words: str) -> list[Span]:
    """Where `words` stand in `text` as whole words; where they stand at all if they never do."""
    if not words:
        return []
    exact = re.escape(words)
    found = list(re.finditer(rf"(?<!\w){exact}(?!\w)", text)) or list(re.finditer(exact, text))
    return [match.span() for match in found]


def _of_cues(cues: Sequence[str]) -> Iterator[Problem]:
    tidy = tidy_cues(cues)
    if not 1 <= len(tidy) <= _MAX_CUES:
        yield Problem("cues", f"there must be 1 to {_MAX_CUES} cues, not {len(tidy)}")
    for cue in tidy:
        if len(cue) > _MAX_CUE_LENGTH or wrong_script(cue, "Latn"):
            yield Problem("cues", f"a cue is a few English words, not {cue[:_MAX_CUE_LENGTH]!r}")


def tidy_cues(cues: Sequence[str]) -> list[str]:
    """Cues as they are counted: small letters, single spaces, each once, sorted."""
    plain = (" ".join(unicodedata.normalize("NFKC", cue).casefold().split()) for cue in cues)
    return sorted({cue for cue in plain if cue})


def captions_of(draft: Draft, rules: Rules) -> dict[str, CaptionRow]:
    """The cultural captions of a draft without problems."""
    rows = {"cultural": _row(draft, "", rules.language), "cultural_en": _row(draft, "_en", "en")}
    return {role: row for role, row in rows.items() if isinstance(row, Mapping)}


def without_modifier(row: CaptionRow) -> CaptionRow:
    """A caption with its modifier taken out, and the gap closed: a draft of a noun caption, which people write."""
    text, modifier, noun = row["text"], modifier_span(row), noun_span(row)
    if modifier is None:
        return row
    start, end = modifier
    # A space after a word that the modifier is joined to parts two phrases, as in Thai.
    while text[end : end + 1] == " " and (start == 0 or text[start - 1] == " "):
        end += 1
    if text[end : end + 1] in _CLOSING:
        while text[start - 1 : start] == " ":
            start -= 1
    moved = noun if noun is None or noun[0] < start else (noun[0] - (end - start), noun[1] - (end - start))
    return caption_row(text[:start] + text[end:], row["language"], moved)
