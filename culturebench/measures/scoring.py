"""Rows of the artifact `measured`, from a function of pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from PIL import Image

from culturebench.png import from_png
from culturebench.text_to_image.adapters.batches import Batches

BATCH = 64
ADVICE = "set measure.runtime.dtype: bfloat16, or measure.runtime.device: cpu"
WHOLE_PROMPT = -1  # the seed of a measure of all of a prompt's pictures
ALONE = "needs two pictures of one prompt"

if TYPE_CHECKING:
    from culturebench.artifacts.measured import MeasuredRow
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.artifacts.splits import SplitRow

    Row = PictureRow
    Caption = Literal["noun", "noun_en", "cultural", "cultural_en"]
    Rows = list[MeasuredRow]
    References = Mapping[str, SplitRow]  # prompt id -> test row


def of_each(
    measure: str,
    pictures: Sequence[Row],
    score: Callable[[list[Image.Image], Sequence[Row]], Sequence[float]],
) -> Rows:
    """One row per picture; `score` takes pictures with their rows, fewer at once where memory is short."""

    def scored(rows: Sequence[Row]) -> Rows:
        values = score([from_png(row["image"]) for row in rows], rows)
        return [measured(measure, row, row["seed"], value) for row, value in zip(rows, values, strict=True)]

    return Batches(BATCH, ADVICE).map(scored, pictures)


def of_prompts(measure: str, pictures: Sequence[Row], spread: Callable[[list[Image.Image]], float]) -> Rows:
    """One row per prompt; `spread` takes all of its pictures, two at least."""
    return [
        measured(measure, rows[0], WHOLE_PROMPT, None, ALONE)
        if len(rows) < 2
        else measured(measure, rows[0], WHOLE_PROMPT, spread([from_png(row["image"]) for row in rows]))
        for rows in by_prompt(pictures)
    ]


def not_run(measure: str, pictures: Sequence[Row], reason: str, *, whole_prompts: bool = False) -> Rows:
    """Rows without a value for all pictures, or prompts."""
    rows = [group[0] for group in by_prompt(pictures)] if whole_prompts else pictures
    return [
        measured(measure, row, WHOLE_PROMPT if whole_prompts else row["seed"], None, f"not run: {reason}")
        for row in rows
    ]


def by_prompt(pictures: Sequence[Row]) -> list[list[Row]]:
    """The pictures of each prompt, in order of the prompt's first one."""
    groups: dict[str, list[Row]] = {}
    for row in pictures:
        groups.setdefault(row["prompt_id"], []).append(row)
    return list(groups.values())


def text_of(reference: SplitRow, caption: Caption) -> str:
    """What one of the captions of a test row says; pictures are made of rows that have it."""
    found = reference[caption]
    assert found is not None
    return found["text"]


def pairs(count: int) -> tuple[list[int], list[int]]:
    """The first and the second index of each pair."""
    found = list(combinations(range(count), 2))
    return [first for first, _ in found], [second for _, second in found]


def measured(measure: str, row: Row, seed: int, value: float | None, reason: str = "") -> MeasuredRow:
    """A row of the artifact `measured`."""
    return {
        "measure": measure,
        "prompt_id": row["prompt_id"],
        "region": row["region"],
        "seed": seed,
        "value": value,
        "reason": reason,
    }
