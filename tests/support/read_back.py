"""What readers make of a text that the project wrote: its structure without the words, and the words without it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt


class _Structure(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.said += [value for name, value in attrs if name == "alt"]

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", ()))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def structure(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """The tags of a page with the names of their attributes, and its comments."""
    return _parsed(html).tags


def html_words(html: str) -> str:
    """What a page says, the texts in place of its pictures included."""
    return " ".join(_parsed(html).said)


def _parsed(html: str) -> _Structure:
    parser = _Structure()
    parser.feed(html)
    parser.close()
    return parser


def tokens(markdown: str) -> list[tuple[str, str]]:
    """What a Markdown reader makes of it, without the words: types, and the addresses of links."""
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    found = (child for token in reader.parse(markdown) for child in (token, *(token.children or ())))
    return [(token.type, str(token.attrs)) for token in found if token.type != "text_special"]


def markdown_words(markdown: str) -> str:
    """The words that a Markdown reader shows."""
    reader = MarkdownIt("gfm-like", {"linkify": False})
    return "".join(child.content for token in reader.parse(markdown) for child in token.children or ())
