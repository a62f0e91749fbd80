"""Secrets in texts that others wrote: a server may echo a key whole, in part, in capitals, or encoded."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote

#: So many characters in a row of a secret are masked wherever they stand; shorter parts could be ordinary words.
PART = 10


def masker(secrets: Iterable[str], mark: str = "***") -> Callable[[str], str]:
    """A function that puts `mark` in the place of the secrets, and of parts of them, in any letter case and encoding.

    Known encodings: base64 at any place of a longer text, hexadecimal digits, and percent signs.
    """
    return _masker(tuple(sorted(set(filter(None, secrets)))), mark)


@lru_cache(maxsize=32)
def _masker(secrets: tuple[str, ...], mark: str) -> Callable[[str], str]:
    forms = {form.lower() for secret in secrets for form in _forms(secret)}
    lengths = sorted({min(len(form), PART) for form in forms}, reverse=True)
    parts = {length: _parts(forms, length) for length in lengths}

    def mask(text: str) -> str:
        if not forms:
            return text
        lower = text.lower()
        if len(lower) != len(text):  # a letter whose small form is two
            lower = text
        hidden = bytearray(len(text))
        for length, known in parts.items():
            for start in range(len(lower) - length + 1):
                if lower[start : start + length] in known:
                    hidden[start : start + length] = b"\1" * length
        return _marked(text, hidden, mark) if any(hidden) else text

    return mask


def _parts(forms: Iterable[str], length: int) -> set[str]:
    """All runs of that length of the forms that are as long, or of those that are no longer than it."""
    fitting = (form for form in forms if min(len(form), PART) == length)
    return {form[start : start + length] for form in fitting for start in range(len(form) - length + 1)}


def _forms(secret: str) -> Iterator[str]:
    yield secret
    raw = secret.encode()
    if len(raw) < PART:
        return
    yield raw.hex()
    yield quote(secret, safe="")
    for before in range(3):  # where the secret begins within a group of three bytes
        code = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        inner = code[(0, 2, 3)[before] : -1]  # its edges depend on what stands beside it
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def _marked(text: str, hidden: bytearray, mark: str) -> str:
    pieces: list[str] = []
    for place, letter in enumerate(text):
        if not hidden[place]:
            pieces.append(letter)
        elif not place or not hidden[place - 1]:
            pieces.append(mark)
    return "".join(pieces)
