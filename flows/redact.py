"""Secrets are taken out of every line before it reaches a log."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

#: Names of environment variables whose values nobody should read.
SECRET_NAME = re.compile(r"(^|_)(API)?(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|$)", re.IGNORECASE)
#: A user and a password in a URL.
IN_URL = re.compile(r"(?<=://)[^\s/@]+:[^\s/@]+(?=@)")
SHORTEST = 6  # shorter values would blot out ordinary words
MASK = "***"


def redactor() -> Callable[[str], str]:
    """A function that masks the values of the environment's secrets, and passwords in URLs."""
    values = {value for name, value in os.environ.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST}
    # The longest first: one secret may begin with another.
    known = (
        re.compile("|".join(re.escape(value) for value in sorted(values, key=lambda v: (-len(v), v))))
        if values
        else None
    )

    def redact(text: str) -> str:
        if known:
            text = known.sub(MASK, text)
        return IN_URL.sub(MASK, text)

    return redact
