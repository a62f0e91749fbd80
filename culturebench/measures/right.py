"""CultureVQA of single pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict


class Answered(TypedDict):
    """What of an answer says whether it is right."""

    prompt_id: str
    region: str
    seed: int
    answer: str


def right(answers: Iterable[Answered]) -> dict[tuple[str, int], float]:
    """By (prompt id, seed) 1 where the judge names the prompt's region, 0 where it does not."""
    return {(row["prompt_id"], row["seed"]): float(row["answer"] == row["region"]) for row in answers}
