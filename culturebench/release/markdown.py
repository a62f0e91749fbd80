"""What region files, sources and providers say, as words in a card: never markup, a link or another row."""

from __future__ import annotations

import re

from culturebench.errors import plain

#: Of ASCII's punctuation all that Markdown, as GitHub and the Hugging Face hub read it, gives a meaning.
_MARKS = re.compile(r"[\\`*_{}\[\]<>()#+!|~&$:@=^]|(?<=www)\.|(?<=WWW)\.|^-")
_NUMBERED = re.compile(r"^(\d+)\.")  # the start of a list


def words(text: str) -> str:
    """The text as Markdown that reads as the text, on one line."""
    line = _MARKS.sub(lambda found: f"\\{found[0]}", _line(text))
    return _NUMBERED.sub(r"\1\\.", line)


def code(text: str) -> str:
    """The text as a code span, on one line; not for a cell of a table, in which a bar ends it."""
    line = _line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def _line(text: str) -> str:
    return " ".join(plain(text).split())
