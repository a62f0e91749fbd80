"""From prompts to the pictures of one condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from culturebench.text_to_image.base import Intervention
from culturebench.text_to_image.sampling import CachedSampler, Shot

if TYPE_CHECKING:
    from culturebench.artifacts._caption import CaptionRow
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.conditions.record import Caption


def make_pictures(
    sampler: CachedSampler,
    prompts: Sequence[PromptRow],
    caption: Caption,
    seeds: Sequence[int],
    batch_size: int,
    *,
    condition: str,
    strength: float = 0.0,
    intervene: Callable[[PromptRow, int], Intervention | None] = lambda row, draw: None,
) -> list[PictureRow]:
    """A picture of every prompt and seed as a row of the artifact `pictures`.

    `caption` names the caption that is the prompt; a prompt without it has no picture. `intervene(prompt, draw)` gives
    the intervention, where the draw is the seed's index. Batches hold `batch_size` pictures of one region.
    """
    told = [(row, words) for row in prompts if (words := row[caption])]
    cases = [(row, words, seed, draw) for row, words in told for draw, seed in enumerate(seeds)]
    batches = [
        batch[start : start + batch_size]
        for _, group in groupby(cases, key=lambda case: case[0]["region"])
        for batch in [list(group)]
        for start in range(0, len(batch), batch_size)
    ]
    shots = [[Shot(words["text"], seed, intervene(row, draw)) for row, words, seed, draw in batch] for batch in batches]
    made: list[PictureRow] = []
    images = sampler.pictures(shots, f"{condition} (batches of {batch_size})")
    for batch, some, pngs in zip(batches, shots, images, strict=True):
        for (row, words, seed, draw), shot, image in zip(batch, some, pngs, strict=True):
            used = draw if shot.intervention else 0
            made.append(_picture(row, words, seed, used, image, condition, strength))
    return made


def _picture(
    row: PromptRow, caption: CaptionRow, seed: int, draw: int, image: bytes, condition: str, strength: float
) -> PictureRow:
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
        "object": row["object"],
        "name": row["name"],
        "domain": row["domain"],
        "image": image,
    }
