"""A picture that a search or a list names, before anybody fetched it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from culturebench.sources.base import About
from culturebench.sources.licences import UNKNOWN, normalise


@dataclass(frozen=True)
class SearchHit:
    """Where a file is, whose it is, and how it was found; `error` says why it is not to be fetched."""

    file_name: str
    file_url: str
    page_url: str = ""
    author: str = ""
    licence_text: str = ""
    query: str = ""
    about: About = field(default_factory=About)
    error: str = ""


def licence_text(*texts: str) -> str:
    """The first of several ways to write one licence that is understood, else the first that says anything."""
    said = [text.strip() for text in texts if text.strip()]
    return next((text for text in said if normalise(text) != UNKNOWN), said[0] if said else "")


def plain(html: str) -> str:
    """The text of a piece of HTML, as MediaWiki gives authors, without scripts and styles."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return " ".join("".join(parser.parts).split())


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
