"""Which real pictures are asked about, and between which regions judges and people choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from culturebench.annotation.choices import Choice
from culturebench.atlas import people
from culturebench.judging.base import shuffled

if TYPE_CHECKING:
    from culturebench.artifacts.splits import SplitRow


def select(rows: Iterable[SplitRow], regions: Sequence[str], count: int) -> list[SplitRow]:
    """The first `count` test rows of each region by picture id."""
    found = sorted(rows, key=lambda row: row["picture_id"])
    return [row for region in regions for row in [one for one in found if one["region"] == region][:count]]


def choices_of(row: SplitRow, regions: Sequence[str], count: int, seed: int) -> list[str]:
    """The picture's region among `count` in the order shown; a region that joins the run changes few questions."""
    ranked = shuffled([region for region in regions if region != row["region"]], seed, f"{row['picture_id']}/wrong", 0)
    return shuffled([row["region"], *ranked[: count - 1]], seed, row["picture_id"], 0)


def scripted_answers(row: SplitRow, options: Sequence[str]) -> list[Choice]:
    """What scripted people say of a picture that was drawn; none for a real one."""
    scene = row["scene"]
    if scene is None:
        return []
    said = people.answers(row["picture_id"], scene["region"], options)
    return [
        Choice(picture_id=row["picture_id"], annotator=name, answer=answer, options=list(options))
        for name, answer in said.items()
    ]
