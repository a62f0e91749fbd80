"""Choosing how strong an edit is: the weakest that is not worse than the best beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import stdev
from typing import TYPE_CHECKING

from culturebench.measures.right import right
from culturebench.measures.statistics import Bootstrap
from culturebench.measures.units import Units

if TYPE_CHECKING:
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.artifacts.strength import Dose, Point as PointRow, Tuned

RULE = (
    "the smallest lambda whose accuracy lies within one standard error (over prompts) of the best one's, among those "
    "whose pictures keep the object as often as {share:.0%} of the unedited ones (lambda 0)"
)

Key = tuple[str, int]


@dataclass(frozen=True)
class Point:
    """One lambda's result; accuracy and alignment are shares, `low` and `high` the accuracy's interval.

    `error` is the accuracy's standard error over prompts; `alignment` is the share of right objects, None where
    no object is known, and then `allowed` is always true.
    """

    strength: float
    accuracy: float
    low: float | None
    high: float | None
    error: float
    alignment: float | None
    allowed: bool
    n_prompts: int
    n_images: int
    size: float | None = None  # of the edit, as a share of the token's norm


def score(
    strength: float,
    pictures: Sequence[PictureRow],
    answers: Sequence[AnswerRow],
    bootstrap: Bootstrap,
    size: float | None = None,
) -> Point:
    """The point of one lambda from its pictures and a judge's answers; the interval is by prompt in its region."""
    scores = right(answers)
    objects = {_key(row): row["object"] for row in pictures}
    kept = [float(row["object"] == objects[_key(row)]) for row in answers if row["object"] and objects[_key(row)]]
    units = Units("prompt", {row["prompt_id"]: row["region"] for row in answers})
    estimate = bootstrap.mean(scores, units, share=True)
    return Point(
        strength=strength,
        accuracy=estimate.value,
        low=estimate.low,
        high=estimate.high,
        error=standard_error(scores),
        alignment=sum(kept) / len(kept) if kept else None,
        allowed=True,
        n_prompts=estimate.n_prompts,
        n_images=estimate.n_images,
        size=size,
    )


def standard_error(scores: Mapping[Key, float]) -> float:
    """The standard error of the mean over prompts, whose pictures stand together; 0 with a single prompt."""
    prompts: dict[str, list[float]] = {}
    for (prompt, _), value in scores.items():
        prompts.setdefault(prompt, []).append(value)
    means = [sum(values) / len(values) for values in prompts.values()]
    return stdev(means) / sqrt(len(means)) if len(means) > 1 else 0.0


def mark_allowed(curve: Sequence[Point], share: float) -> list[Point]:
    """The curve with `allowed` set where the alignment is at least `share` of that at lambda 0, the first point."""
    unedited = curve[0].alignment
    if unedited is None:
        return list(curve)
    return [replace(point, allowed=(point.alignment or 0.0) >= share * unedited) for point in curve]


def choose_strength(curve: Sequence[Point]) -> float:
    """The smallest allowed lambda within one standard error of the best allowed one; 0 when nothing beats 0."""
    allowed = [point for point in curve if point.allowed]
    if not allowed:
        return 0.0
    best = max(allowed, key=lambda point: point.accuracy)
    return min(point.strength for point in allowed if point.accuracy >= best.accuracy - best.error)


def describe(curve: Sequence[Point]) -> Tuned:
    """The choice as the artifact `strength` holds it; `found` is false where no edit is better than none."""
    strength = choose_strength(curve)
    return {"strength": strength, "found": strength > 0, "curve": [_row(point) for point in curve]}


def dose(condition: str, point: Point) -> Dose:
    """A point of a control's dose-response as the artifact `strength` holds it."""
    return {
        "condition": condition,
        "strength": point.strength,
        "size": point.size,
        "accuracy": point.accuracy,
        "low": point.low,
        "high": point.high,
        "n_prompts": point.n_prompts,
        "n_images": point.n_images,
    }


def _row(point: Point) -> PointRow:
    return {
        "strength": point.strength,
        "accuracy": point.accuracy,
        "low": point.low,
        "high": point.high,
        "error": point.error,
        "alignment": point.alignment,
        "allowed": point.allowed,
        "n_prompts": point.n_prompts,
        "n_images": point.n_images,
        "size": point.size,
    }


def _key(row: PictureRow | AnswerRow) -> Key:
    return row["prompt_id"], row["seed"]
