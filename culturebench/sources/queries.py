"""What is asked for a region: the keywords of its file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from culturebench.params import RegionPart
from culturebench.params._region import Key, Subdivision, WordList, Words
from culturebench.sources.base import About


class Asked(RegionPart):
    """The keys of a region file that decide what is asked."""

    iso: WordList
    language: str
    keywords: dict[Key, Words]
    subdivisions: dict[Key, Subdivision]


@dataclass(frozen=True)
class Query:
    """Words to search for, their language (ISO 639-1), and what of the region they stand for."""

    text: str
    language: str
    category: str = ""
    subdivision: str = ""

    @property
    def about(self) -> About:
        """What the query says about the pictures that it finds."""
        return About(category=self.category, subdivision=self.subdivision, query_language=self.language)


def queries(region: Asked) -> list[Query]:
    """Every keyword of a region file once, categories before subdivisions, local words before English ones.

    A keyword of a category that is one of a subdivision too stands for both.
    """
    found: dict[tuple[str, str], Query] = {}
    for category, words in region.keywords.items():
        for language, text in _words(words, region.language):
            found.setdefault((language, text), Query(text, language, category=category))
    for subdivision, content in region.subdivisions.items():
        for language, text in _words(content.keywords, region.language):
            known = found.setdefault((language, text), Query(text, language))
            if not known.subdivision:
                found[language, text] = replace(known, subdivision=subdivision)
    return list(found.values())


def _words(words: Words, language: str) -> list[tuple[str, str]]:
    return [*((language, text) for text in words.local), *(("en", text) for text in words.en)]
