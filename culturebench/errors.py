"""The one exception that a user is meant to read: printed as a single message, without a traceback."""

from __future__ import annotations

import re

#: What steers a terminal, or turns the direction of reading; a line's end and a tab do neither.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


#: As Python shows an object that has no better way.
_OBJECT = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")


def plain(text: str) -> str:
    """The text with every character that steers a terminal written out: files and servers say what they like."""
    return _STEERING.sub(_written_out, text)


def said(error: BaseException) -> str:
    """What an error says, on one line and without the places in memory of objects, which differ in every run."""
    return " ".join(_OBJECT.sub(" ", str(error)).split())


def _written_out(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


class CultureBenchError(Exception):
    """Says what was wrong, what is allowed, and where to change it."""

    def __str__(self) -> str:
        return plain(super().__str__())
