"""A picture that a search or a list names, before anybody fetched it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

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


def name_in(url: str) -> str:
    """The last part of a URL's path, or all of what is no URL."""
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    return unquote(path.rpartition("/")[2]) or url


def plain(html: str) -> str:
    """The text of a piece of HTML, as MediaWiki gives authors: what a reader sees, lines and items apart."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()).rstrip(" ,;") for line in "".join(parser.parts).split(_BREAK))
    return ", ".join(dict.fromkeys(line for line in lines if line))


#: Stands where a browser begins a new line; the parser leaves none of it in a text.
_BREAK = "\0"
_LINES = ("br", "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "tr", "td", "th", "table")
_VOID = ("br", "img", "hr", "wbr", "input", "link", "meta", "col", "area", "base", "embed", "source", "track")
_HIDING = ("display:none", "visibility:hidden")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden: list[str] = []  # the open tags within something that is not shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        style = "".join((dict(attrs).get("style") or "").casefold().split())
        hides = tag in ("script", "style") or "hidden" in dict(attrs) or any(way in style for way in _HIDING)
        if (hides or self._hidden) and tag not in _VOID:
            self._hidden.append(tag)
        if tag in _LINES:
            self.parts.append(_BREAK)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass  # a tag within, that nobody closed
        if tag in _LINES:
            self.parts.append(_BREAK)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace(_BREAK, " "))
