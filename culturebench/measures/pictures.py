"""Measures by the atlas's dual encoder, under names of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from culturebench.measures.scoring import Row, Rows, of_each, of_prompts, pairs
from culturebench.png import from_png

ALIGNMENT = "atlas_alignment"  # cosine of picture and caption, up
REFERENCE = "atlas_perceptual_reference"  # distance to the reference picture, down
DIVERSITY = "atlas_perceptual_diversity"  # mean distance between a prompt's pictures, up


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
) -> Rows:
    """Rows of the artifact `measured`: fit to the caption, distance to the reference, diversity.

    `references` maps a prompt id to its test row, whose picture and `caption` the pictures are compared with.
    """

    def fit(images: list[Image.Image], rows: Sequence[Row]) -> list[float]:
        return encoder.similarity(images, [references[row["prompt_id"]][caption]["text"] for row in rows])

    def far(images: list[Image.Image], rows: Sequence[Row]) -> list[float]:
        originals = [from_png(references[row["prompt_id"]]["image"]) for row in rows]
        return distances(encoder.features(images), encoder.features(originals))

    def spread(images: list[Image.Image]) -> float:
        maps, (left, right) = encoder.features(images), pairs(len(images))
        found = distances([depth[left] for depth in maps], [depth[right] for depth in maps])
        return sum(found) / len(found)

    return [
        *of_each(ALIGNMENT, pictures, fit),
        *of_each(REFERENCE, pictures, far),
        *of_prompts(DIVERSITY, pictures, spread),
    ]


def distances(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[float]:
    """LPIPS's distance without its learned weights (Zhang et al. 2018, eq. 1), row by row.

    Squared differences of unit-length features, summed over channels, averaged over places, then over depths.
    """
    depths = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(first, second, strict=True)]
    return torch.stack(depths).mean(0).tolist()
