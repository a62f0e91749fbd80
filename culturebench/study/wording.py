"""What participants read. No word of it may tell how a picture was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from culturebench.artifacts.study_tasks import NONE, UNCERTAIN, UNKNOWN

WELCOME: Final = "A study of pictures"
INSTRUCTION: Final = (
    "Judge by what the picture shows, alone and without looking anything up. First you say which culture a picture "
    "shows, then which of several pictures show one, then how well. Some tasks come twice; answer as you see them then."
)
RATINGS: Final = {
    "1": "1: nothing in it is of this culture",
    "2": "2: little",
    "3": "3: some",
    "4": "4: much",
    "5": "5: all of it, as one would meet it there",
    UNKNOWN: "I do not know this culture well enough",
}
_QUESTIONS: Final = {
    "scc": "Which culture does this picture show? When nothing tells you, choose Uncertain.",
    "mcc": "Which of these pictures show the culture of {country}? Choose all that do.",
    "csr": "How well does this picture show the culture of {country}?",
}


def question(kind: str, country: str) -> str:
    """The question above the choices; scc does not name the country."""
    return _QUESTIONS[kind].format(country=country)


def choices(kind: str, options: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """The text of every option, in their order; `names` are the regions'."""
    if kind == "csr":
        return [RATINGS[option] for option in options]
    return [
        {UNCERTAIN: "Uncertain", NONE: "None of them"}.get(option) or names.get(option, option) for option in options
    ]
