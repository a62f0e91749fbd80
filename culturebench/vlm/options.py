"""A question with its options in words, and which of them a reply is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: What follows the options of a question whose answer is read as text, and as a letter.
CLOSING = "Reply with the right option, copied exactly, and with nothing else."
CLOSING_LETTER = "Answer with the letter of the right option and with nothing else."
#: The names of options that are answered by a letter.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: What may stand around an option without making it another answer.
_DECORATION = " \t\r\n\"'`*."


def lines_of(options: Iterable[str]) -> list[str]:
    """The options, one a line."""
    return [f"- {option}" for option in options]


def worded(question: str, options: Sequence[str], *, letters: bool) -> str:
    """A question with its options in the order shown, to be answered by a letter or by the option's text."""
    if not letters:
        return "\n".join([question, *lines_of(options), CLOSING])
    named = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *named, CLOSING_LETTER])


def said(text: str, options: Sequence[str]) -> int | None:
    """The place of the option that a reply consists of; None for any other reply."""
    plain = [option.strip(_DECORATION).casefold() for option in options]
    reply = text.strip(_DECORATION).casefold()
    return plain.index(reply) if reply in plain else None
