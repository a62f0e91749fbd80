"""What is asked for a region: the keywords of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

#: Keys of a region file that decide what is asked.
REGION_KEYS = ("iso", "language", "keywords", "subdivisions")


@dataclass(frozen=True)
class Query:
    """Words to search for, their language (ISO 639-1), and what of the region they stand for."""

    text: str
    language: str
    category: str = ""
    subdivision: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        """What the query says about the pictures that it finds."""
        named = {"category": self.category, "subdivision": self.subdivision, "language": self.language}
        return {key: value for key, value in named.items() if value}


def queries(region: Mapping[str, Any]) -> list[Query]:
    """Every keyword of a region file once, categories before subdivisions, local words before English ones.

    A keyword of a category that is one of a subdivision too stands for both.
    """
    found: dict[tuple[str, str], Query] = {}
    for category, words in region["keywords"].items():
        for language, text in _words(words, region["language"]):
            found.setdefault((language, text), Query(text, language, category=category))
    for subdivision, content in region["subdivisions"].items():
        for language, text in _words(content["keywords"], region["language"]):
            known = found.setdefault((language, text), Query(text, language))
            if not known.subdivision:
                found[language, text] = replace(known, subdivision=subdivision)
    return list(found.values())


def _words(words: Mapping[str, list[str]], language: str) -> list[tuple[str, str]]:
    return [*((language, text) for text in words["local"]), *(("en", text) for text in words["en"])]
