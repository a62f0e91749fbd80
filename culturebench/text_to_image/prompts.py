"""Which rows of a split become prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from culturebench.artifacts.overlaps import Shared
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.artifacts.splits import SplitRow
    from culturebench.conditions.record import Caption

#: The captions of a split's row that some condition's prompt is, or is made of.
CAPTIONS = ("noun", "noun_en", "cultural")
#: What of a split's rows a prompt is made of.
COLUMNS = ("picture_id", "region", "subdivision", "scene", *CAPTIONS)


class PromptError(CultureBenchError):
    """A region without a single usable prompt."""


def select_prompts(rows: Sequence[SplitRow], regions: Sequence[str], count: int) -> list[PromptRow]:
    """Of each region the first `count` rows of a split by picture id that have every caption a condition needs.

    One selection for all conditions, so that they differ in nothing but the condition. `PromptError` when a
    region has no such row.
    """
    chosen: list[PromptRow] = []
    for region in regions:
        usable = [row for row in rows if row["region"] == region and all(row[name] for name in CAPTIONS)]
        if not usable:
            raise PromptError(
                f"region {region} has no row with the captions {', '.join(CAPTIONS)} in its split; "
                "collect more, caption what waits, or take it off `regions` in params.yaml"
            )
        chosen += [_prompt(row) for row in sorted(usable, key=lambda row: row["picture_id"])[:count]]
    return chosen


def shared_nouns(prompts: Sequence[PromptRow]) -> list[Shared]:
    """The noun captions that are prompts of several regions of one language, word by word, by language and text."""
    regions: dict[tuple[str, str], list[str]] = {}
    for row in prompts:
        if noun := row["noun"]:
            some = regions.setdefault((noun["language"], noun["text"]), [])
            some += [row["region"]] if row["region"] not in some else []
    return [
        {"language": language, "prompt": text, "regions": some}
        for (language, text), some in sorted(regions.items())
        if len(some) > 1
    ]


def text_of(prompt: PromptRow, caption: Caption) -> str:
    """What a caption of a selected prompt says; none lacks one."""
    found = prompt[caption]
    assert found is not None
    return found["text"]


def _prompt(row: SplitRow) -> PromptRow:
    return {
        "prompt_id": row["picture_id"],
        "region": row["region"],
        "subdivision": row["subdivision"],
        "object": row["scene"]["object"] if row["scene"] else "",
        "name": "",
        "domain": "",
        "noun": row["noun"],
        "noun_en": row["noun_en"],
        "cultural": row["cultural"],
        "prompted": None,
        "prompted_en": None,
    }
