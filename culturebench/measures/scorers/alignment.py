"""Measures by the atlas's dual encoder, under names of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from PIL import Image
from torch import Tensor

from culturebench.atlas.alignment import AtlasAlignment
from culturebench.measures.scoring import of_each, of_prompts, pairs
from culturebench.measures.task import Task

if TYPE_CHECKING:
    from culturebench.measures.scoring import Row, Rows

ALIGNMENT = "atlas_alignment"  # cosine of picture and caption
REFERENCE = "atlas_perceptual_reference"  # distance to the reference picture
DIVERSITY = "atlas_perceptual_diversity"  # mean distance between a prompt's pictures


class DualEncoder(Protocol):
    """Pictures and captions in one space."""

    def similarity(self, images: Sequence[Image.Image], texts: Sequence[str]) -> list[float]:
        """Cosine of each picture with its own text."""
        ...

    def features(self, images: Sequence[Image.Image]) -> list[Tensor]:
        """Feature maps (b, c, h, w) of several depths, channels at unit length."""
        ...


def run(chosen: str, task: Task) -> Rows:
    """Rows of the encoder of a pin."""
    return measure_pictures(AtlasAlignment(task.folder(chosen)), task)


def measure_pictures(encoder: DualEncoder, task: Task) -> Rows:
    """Fit to the caption, distance to the reference, and the mean distance between a prompt's pictures."""

    def far(images: list[Image.Image], rows: Sequence[Row]) -> list[float]:
        return distances(encoder.features(images), encoder.features(task.originals(rows)))

    def spread(images: list[Image.Image]) -> float:
        maps, (left, right) = encoder.features(images), pairs(len(images))
        found = distances([depth[left] for depth in maps], [depth[right] for depth in maps])
        return sum(found) / len(found)

    return [
        *of_each(ALIGNMENT, task.pictures, lambda images, rows: encoder.similarity(images, task.texts(rows))),
        *of_each(REFERENCE, task.pictures, far),
        *of_prompts(DIVERSITY, task.pictures, spread),
    ]


def distances(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[float]:
    """LPIPS's distance without its learned weights (Zhang et al. 2018, eq. 1), row by row.

    Squared differences of unit-length features, summed over channels, averaged over places, then over depths.
    """
    depths = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(first, second, strict=True)]
    return torch.stack(depths).mean(0).tolist()
