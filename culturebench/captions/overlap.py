"""Captions from outside that are not: what the benchmark says as well."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from culturebench.captions.spans import noun_span

if TYPE_CHECKING:
    from culturebench.artifacts._caption import CaptionRow
    from culturebench.artifacts.prompts import PromptRow

#: The captions of a picture of the benchmark.
CAPTIONS: Final = ("noun", "noun_en", "cultural", "cultural_en")


def normalised(text: str) -> str:
    """Small letters and digits in NFKC, one space for all that stands between."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    words = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in folded)
    return " ".join(words.split())


def said(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Every caption of the benchmark's rows, and every noun that is marked in one, normalised."""
    found: set[str] = set()
    for row in rows:
        for name in CAPTIONS:
            caption: CaptionRow | None = row[name]
            if caption:
                start, end = noun_span(caption) or (0, 0)
                found |= {caption["text"], caption["text"][start:end]}
    return {normalised(text) for text in found} - {""}


def stands_in(row: PromptRow, known: Collection[str]) -> bool:
    """Whether the benchmark has the prompt, its name, or a noun that either names: as whole words."""
    assert row["noun"] is not None
    return any(part in known for text in (row["noun"]["text"], row["name"]) for part in _parts(normalised(text)))


def _parts(text: str) -> Iterator[str]:
    """Every run of words."""
    words = text.split()
    return (" ".join(words[first:end]) for first in range(len(words)) for end in range(first + 1, len(words) + 1))
