"""From prompts to the pictures of one condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from culturebench.text_to_image.sampling import CachedSampler, Intervention, Shot

Row = Mapping[str, Any]


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
    """A picture of every prompt and seed as a row of the artifact `pictures`.

    `caption` names the caption that is the prompt; a prompt without it has no picture. `intervene(region, draw)` gives
    the intervention, where the draw is the seed's index. Batches hold `batch_size` pictures of one region.
    """
    cases = [(row, seed, draw) for row in prompts if row[caption] for draw, seed in enumerate(seeds)]
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
        "prompt_id": row["prompt_id"],
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
