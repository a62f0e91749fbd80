"""Secrets are taken out of every line before it reaches a log."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from culturebench.errors import plain
from culturebench.masking import masker

#: Names of environment variables whose values nobody should read.
SECRET_NAME = re.compile(r"(^|_)(API)?(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTH_STRING)(_|$)", re.IGNORECASE)
#: A user and a password in a URL.
IN_URL = re.compile(r"(?<=://)[^\s/@]+:[^\s/@]+(?=@)")
SHORTEST = 6  # shorter values would blot out ordinary words
MASK = "***"


def redactor() -> Callable[[str], str]:
    """A function that masks the values of the environment's secrets, and passwords in URLs.

    What would steer a terminal or a page that shows the log is made visible.
    """
    mask = masker(value for name, value in os.environ.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST)

    def redact(text: str) -> str:
        return plain(IN_URL.sub(MASK, mask(text)))

    return redact
