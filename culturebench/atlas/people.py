"""Three scripted people who look at atlas pictures, each wrong at a known rate; their names say that they are none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

SCRIPTED: Final = "scripted-"
ERROR_RATES: Final = (0.03, 0.05, 0.08)


def scripted(number: int) -> str:
    """The name of person `number`, from 1."""
    return f"{SCRIPTED}{number} (error rate {ERROR_RATES[number - 1]:g})"


def answers(picture_id: str, shown: str, options: Sequence[str]) -> dict[str, str]:
    """Each one's choice among `options` (codes, in any order) for a picture that shows the ornament of region `shown`.

    One who errs, or who does not find among the options what the picture shows, takes any of the others.
    """
    return {scripted(number): _answer(picture_id, number, shown, options) for number in range(1, len(ERROR_RATES) + 1)}


def _answer(picture_id: str, number: int, shown: str, options: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{scripted(number)}/choice/{picture_id}".encode()).digest()
    dice = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    wrong, others = bool(dice.uniform() < ERROR_RATES[number - 1]), sorted(set(options) - {shown})
    return others[int(dice.integers(len(others)))] if wrong or shown not in options else shown
