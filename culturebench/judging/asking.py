"""Judges by kind, and a whole condition's pictures put to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.errors import CultureBenchError
from culturebench.judging.atlas import AtlasClassifier
from culturebench.judging.base import Judge, shuffled
from culturebench.pins import fingerprint, verified_folder
from culturebench.png import from_png

KINDS = {"atlas": AtlasClassifier}


class JudgeError(CultureBenchError):
    """A judge of a kind that does not exist."""


def load_judge(kind: str, pin: Path) -> Judge:
    """The judge of a pin, its files verified; `JudgeError` for an unknown kind."""
    if kind not in KINDS:
        raise JudgeError(f"judges.*.kind is {kind!r}; known kinds: {', '.join(KINDS)}")
    return KINDS[kind](verified_folder(pin), f"{pin.stem}@{fingerprint(pin)[:12]}")


def ask(judge: Judge, pictures: Sequence[Mapping[str, Any]], regions: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """CultureVQA on rows of the pictures artifact: rows of the answers artifact.

    The options are `regions` and "unrecognizable", in an order that `seed` and the question decide.
    """
    options = [shuffled([*regions, UNRECOGNIZABLE], seed, row["prompt_id"], row["seed"]) for row in pictures]
    answers = judge.answer([from_png(row["image"]) for row in pictures], options)
    return [
        {
            "prompt_id": row["prompt_id"],
            "region": row["region"],
            "condition": row["condition"],
            "seed": row["seed"],
            "answer": answer.answer,
            "object": answer.object,
            "raw": answer.raw,
            "served_model": answer.served_model,
            "options": shown,
        }
        for row, shown, answer in zip(pictures, options, answers, strict=True)
    ]
