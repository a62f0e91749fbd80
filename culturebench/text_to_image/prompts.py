"""Which rows of a split become prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from culturebench.errors import CultureBenchError

Row = Mapping[str, Any]
#: The captions that some condition's prompt comes from.
CAPTIONS = ("noun", "noun_en", "cultural")
#: What of a split's rows a prompt is made of.
COLUMNS = ("picture_id", "region", "subdivision", "metadata", *CAPTIONS)


class PromptError(CultureBenchError):
    """A region without a single usable prompt."""


def select_prompts(rows: Sequence[Row], regions: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Of each region the first `count` rows of a split by picture id that have every caption a condition needs.

    One selection for all conditions, so that they differ in nothing but the condition. `PromptError` when a
    region has no such row.
    """
    chosen: list[dict[str, Any]] = []
    for region in regions:
        usable = [row for row in rows if row["region"] == region and all(row[name] for name in CAPTIONS)]
        if not usable:
            raise PromptError(
                f"region {region} has no row with the captions {', '.join(CAPTIONS)} in its split; "
                "collect more, caption what waits, or take it off `regions` in params.yaml"
            )
        chosen += [_prompt(row) for row in sorted(usable, key=lambda row: row["picture_id"])[:count]]
    return chosen


def _prompt(row: Row) -> dict[str, Any]:
    """A row of the artifact `prompts`."""
    return {"prompt_id": row["picture_id"], **{name: row[name] for name in COLUMNS[1:]}}
