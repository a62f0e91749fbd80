"""Answers to questions about cultures whose right and wrong ones are chosen here, as a model would have given them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from culturebench.artifacts.questions import QuestionRow
from culturebench.artifacts.silenced import SilencedRow
from culturebench.artifacts.vlm_neurons import VlmNeuronRow

#: (selector, silenced culture, asked culture, number of the question) -> whether the answer is right.
Right = Callable[[str, str, str, int], bool]

KINDS = ("region", "dish", "object")


def questions(
    cultures: Sequence[str], pictures: int, kinds: Sequence[str] = ("region", "dish", "object")
) -> list[QuestionRow]:
    """One question of each kind about every picture; `object` is neutral."""
    return [
        {
            "question_id": f"{culture}{picture}-{kind}",
            "picture_id": f"{culture}{picture}",
            "culture": culture,
            "category": kind,
            "neutral": kind == "object",
            "language": "xx",
            "text": kind,
            "english": kind,
            "options": list("abcd"),
            "options_english": list("abcd"),
            "right": 1,
            "licence": "",
        }
        for culture in cultures
        for picture in range(pictures)
        for kind in KINDS
    ]


def answers(
    asked: Sequence[QuestionRow], selectors: Sequence[str], right: Right, languages: Sequence[str] = ("native",)
) -> list[SilencedRow]:
    """Every question with all neurons, and with those of every selector and culture silenced; wrong ones say 0."""
    cultures = list(dict.fromkeys(row["culture"] for row in asked))
    sets: list[tuple[str, str]] = [("", ""), *((name, culture) for name in selectors for culture in cultures)]
    return [
        {
            "selector": name,
            "draw": 0,
            "silenced": culture,
            "layer": layer,
            "language": language,
            "question_id": row["question_id"],
            "answer": int(right(name, culture, row["culture"], number)),
            "logits": [],
        }
        for language in languages
        for name, culture in sets
        for layer in ((-1, 0, 1) if name == "cas" else (-1,))
        for number, row in enumerate(asked)
        if layer == -1 or row["culture"] == culture
    ]


def two_of_three(name: str, silenced: str, asked: str, number: int) -> bool:
    """`cas` takes its own culture's questions, except every third, which is neutral; everything else stands."""
    return not (name == "cas" and silenced == asked and number % 3 != 2)


def neurons(cultures: Sequence[str], selectors: Sequence[str]) -> list[VlmNeuronRow]:
    """Two neurons of each: in the first and in the second layer of four."""
    return [
        {
            "selector": name,
            "draw": 0,
            "culture": culture,
            "rank": rank,
            "layer": rank,
            "layers": 4,
            "neuron": 0,
            "score": 1.0,
        }
        for name in selectors
        for culture in cultures
        for rank in range(2)
    ]  # fmt: skip


def judged(model: str, conditions: Sequence[str]) -> dict[str, Any]:
    """A judge's audit, with the same figures everywhere."""
    figure = {"value": 0.9, "low": 0.8, "high": 0.95, "n_images": 60}
    fall = {"value": -0.4, "low": -0.5, "high": -0.3, "n_images": 60}
    none = {"value": 0.0, "low": -0.01, "high": 0.01, "n_images": 60}
    kinds = [("", "real"), *((model, name) for name in conditions)]
    return {
        "selector": "cas",
        "rows": [
            {"model": one, "condition": name, "right": figure, "own": fall, "other": none, "random": none}
            for one, name in kinds
        ],
        "people": {"flipped": 12, "answers": 36, "agreed_before": 0.9, "agreed_after": 0.1},
    }
