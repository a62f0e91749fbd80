"""Why something could not be had from the web."""

from __future__ import annotations


class Failed(Exception):
    """A request without a usable answer.

    `reason` is a word for counting; `passing` tells that another try may succeed; `wait` is how many
    seconds the server asked for. The message never holds a URL, which may carry what is secret.
    """

    def __init__(self, reason: str, detail: str, *, passing: bool = False, wait: float | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.passing = passing
        self.wait = wait


#: A host's wish is longer than anybody waits.
ASKED_TO_WAIT = "asked_to_wait"


class AskedToWait(Failed):
    """The host wants to be left alone for longer than anybody waits here."""
