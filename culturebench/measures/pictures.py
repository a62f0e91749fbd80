"""Measures of one condition's pictures by the atlas's dual encoder; what needs other weights says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor

from culturebench.png import from_png

BATCH = 64
ALIGNMENT = "atlas_alignment"  # cosine of picture and caption, up
REFERENCE = "atlas_perceptual_reference"  # distance to the reference picture, down
DIVERSITY = "atlas_perceptual_diversity"  # mean distance between a prompt's pictures, up
#: Published measures, and what they wait for; a stand-in is never reported under their names.
NOT_RUN = {
    "clip_score": "not run: needs the weights of a multilingual CLIP, and no pin names them",
    "image_reward": "not run: needs the weights of ImageReward, and no pin names them",
    "lpips_reference": "not run: needs the weights of LPIPS, and no pin names them",
    "lpips_diversity": "not run: needs the weights of LPIPS, and no pin names them",
}
WHOLE_PROMPT = -1  # the seed of a measure of all of a prompt's pictures

Row = Mapping[str, Any]


class DualEncoder(Protocol):
    """Pictures and captions in one space."""

    def similarity(self, images: Sequence[Image.Image], texts: Sequence[str]) -> list[float]:
        """Cosine of each picture with its own text."""
        ...

    def features(self, images: Sequence[Image.Image]) -> list[Tensor]:
        """Feature maps (b, c, h, w) of several depths, channels at unit length."""
        ...


def measure_pictures(
    encoder: DualEncoder, pictures: Sequence[Row], references: Mapping[str, Row], caption: str
) -> list[dict[str, Any]]:
    """Rows of the artifact `measured`, every measure of every picture or prompt.

    `references` maps a prompt id to its test row, whose picture and `caption` the pictures are compared with.
    """
    rows: list[dict[str, Any]] = []
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        images = [from_png(row["image"]) for row in batch]
        originals = [references[row["prompt_id"]] for row in batch]
        similarity = encoder.similarity(images, [row[caption]["text"] for row in originals])
        distance = distances(encoder.features(images), encoder.features([from_png(row["image"]) for row in originals]))
        for row, cosine, far in zip(batch, similarity, distance, strict=True):
            rows += [_measured(ALIGNMENT, row, row["seed"], cosine), _measured(REFERENCE, row, row["seed"], far)]
    return [*rows, *_diversity(encoder, pictures), *_not_run(pictures)]


def distances(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[float]:
    """LPIPS's distance without its learned weights (Zhang et al. 2018, eq. 1), row by row.

    Squared differences of unit-length features, summed over channels, averaged over places, then over depths.
    """
    depths = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(first, second, strict=True)]
    return torch.stack(depths).mean(0).tolist()


def _diversity(encoder: DualEncoder, pictures: Sequence[Row]) -> Iterable[dict[str, Any]]:
    for rows in by_prompt(pictures):
        if len(rows) < 2:
            yield _measured(DIVERSITY, rows[0], WHOLE_PROMPT, None, "needs two pictures of one prompt")
            continue
        maps = encoder.features([from_png(row["image"]) for row in rows])
        pairs = list(combinations(range(len(rows)), 2))
        left, right = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        found = distances([depth[left] for depth in maps], [depth[right] for depth in maps])
        yield _measured(DIVERSITY, rows[0], WHOLE_PROMPT, sum(found) / len(found))


def by_prompt(pictures: Sequence[Row]) -> list[list[Row]]:
    """The pictures of each prompt, in order of the prompt's first one."""
    groups: dict[str, list[Row]] = {}
    for row in pictures:
        groups.setdefault(row["prompt_id"], []).append(row)
    return list(groups.values())


def _not_run(pictures: Sequence[Row]) -> Iterable[dict[str, Any]]:
    for measure, reason in NOT_RUN.items():
        if measure.endswith("diversity"):
            yield from (_measured(measure, rows[0], WHOLE_PROMPT, None, reason) for rows in by_prompt(pictures))
        else:
            yield from (_measured(measure, row, row["seed"], None, reason) for row in pictures)


def _measured(measure: str, row: Row, seed: int, value: float | None, reason: str = "") -> dict[str, Any]:
    return {
        "measure": measure,
        "prompt_id": row["prompt_id"],
        "region": row["region"],
        "seed": seed,
        "value": value,
        "reason": reason,
    }
