"""From rows of a split to pictures of one condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.sampling import CachedSampler, Intervention, Shot

Row = Mapping[str, Any]
#: The captions that some condition's prompt comes from.
CAPTIONS = ("noun", "noun_en", "cultural")


class PromptError(CultureBenchError):
    """A region without a single usable prompt."""


def select_prompts(rows: Sequence[Row], regions: Sequence[str], count: int) -> list[Row]:
    """The first `count` rows of each region by picture id that have every caption a condition needs.

    One selection for all conditions, so that they differ in nothing but the condition. `PromptError` when a
    region has no such row.
    """
    chosen: list[Row] = []
    for region in regions:
        usable = [row for row in rows if row["region"] == region and all(row[name] for name in CAPTIONS)]
        if not usable:
            raise PromptError(
                f"region {region} has no row with the captions {', '.join(CAPTIONS)} in its split; "
                "collect more, caption what waits, or take it off `regions` in params.yaml"
            )
        chosen += sorted(usable, key=lambda row: row["picture_id"])[:count]
    return chosen


def make_pictures(
    sampler: CachedSampler,
    prompts: Sequence[Row],
    caption: str,
    seeds: Sequence[int],
    batch_size: int,
    *,
    condition: str,
    strength: float = 0.0,
    intervene: Callable[[str, int], Intervention | None] = lambda region, draw: None,
) -> list[dict[str, Any]]:
    """A picture of every prompt and seed as a row of the pictures artifact.

    `caption` names the caption that is the prompt; `intervene(region, draw)` gives the intervention, where the
    draw is the seed's index. Batches hold `batch_size` pictures of one region.
    """
    cases = [(row, seed, draw) for row in prompts for draw, seed in enumerate(seeds)]
    batches = [
        batch[start : start + batch_size]
        for _, group in groupby(cases, key=lambda case: case[0]["region"])
        for batch in [list(group)]
        for start in range(0, len(batch), batch_size)
    ]
    shots = [
        [Shot(row[caption]["text"], seed, intervene(row["region"], draw)) for row, seed, draw in batch]
        for batch in batches
    ]
    made: list[dict[str, Any]] = []
    images = sampler.pictures(shots, f"{condition} (batches of {batch_size})")
    for batch, some, pngs in zip(batches, shots, images, strict=True):
        for (row, seed, draw), shot, image in zip(batch, some, pngs, strict=True):
            used = draw if shot.intervention else 0
            made.append(_picture(row, row[caption], seed, used, image, condition, strength))
    return made


def _picture(
    row: Row, caption: Row, seed: int, draw: int, image: bytes, condition: str, strength: float
) -> dict[str, Any]:
    return {
        "prompt_id": row["picture_id"],
        "region": row["region"],
        "language": caption["language"],
        "subdivision": row["subdivision"],
        "condition": condition,
        "prompt": caption["text"],
        "seed": seed,
        "draw": draw,
        "strength": strength,
        "metadata": row["metadata"],
        "image": image,
    }
