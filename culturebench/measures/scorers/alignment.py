"""Measures by the atlas's dual encoder, under names of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from PIL import Image
from torch import Tensor

from culturebench.atlas.alignment import AtlasAlignment
from culturebench.measures.concentration import of_regions
from culturebench.measures.scoring import not_run, of_each, of_prompts, pairs
from culturebench.measures.task import Task

if TYPE_CHECKING:
    from culturebench.measures.scoring import Row, Rows

ALIGNMENT = "atlas_alignment"  # cosine of picture and caption
REFERENCE = "atlas_perceptual_reference"  # distance to the reference picture
DIVERSITY = "atlas_perceptual_diversity"  # mean distance between a prompt's pictures
CULTURAL = "atlas_cultural_similarity"  # cosine to the nearest English cultural caption of the region's other pictures

CONCENTRATION = "atlas_cue_concentration"  # how alike a region's pictures are, beside its real ones


class DualEncoder(Protocol):
    """Pictures and captions in one space."""

    def similarity(self, images: Sequence[Image.Image], texts: Sequence[str]) -> list[float]:
        """Cosine of each picture with its own text."""
        ...

    def best(self, images: Sequence[Image.Image], texts: Sequence[Sequence[str]]) -> list[float]:
        """The largest cosine of each picture with any of its own texts."""
        ...

    def features(self, images: Sequence[Image.Image]) -> list[Tensor]:
        """Feature maps (b, c, h, w) of several depths, channels at unit length."""
        ...


def run(chosen: str, task: Task) -> Rows:
    """Rows of the encoder of a pin."""
    return measure_pictures(AtlasAlignment(task.folder(chosen)), task)


def measure_pictures(encoder: DualEncoder, task: Task) -> Rows:
    """Rows of all measures of the records."""

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
        *_cultural(encoder, task),
        *of_regions(CONCENTRATION, task, lambda images: unit_vectors(encoder.features(images))),
    ]


def _cultural(encoder: DualEncoder, task: Task) -> Rows:
    """As CSS, but by no CLIP, and with the region's English test captions, never the picture's own, for concepts."""
    told: dict[str, list[str]] = {}
    for row in task.references.values():
        if found := row.get("cultural_en"):
            told.setdefault(row["region"], []).append(found["text"])

    def others(row: Row) -> list[str]:
        own = task.references[row["prompt_id"]].get("cultural_en")
        return [text for text in dict.fromkeys(told.get(row["region"], [])) if not own or text != own["text"]]

    if not all(others(row) for row in task.pictures):
        return not_run(CULTURAL, task.pictures, "a region has too few English cultural captions in its test split")
    return of_each(CULTURAL, task.pictures, lambda images, rows: encoder.best(images, [others(row) for row in rows]))


def distances(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[float]:
    """`distance` as numbers."""
    return distance(first, second).tolist()


def distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """(b,) of LPIPS's distance without its learned weights (Zhang et al. 2018, eq. 1), row by row.

    Squared differences of unit-length features, summed over channels, averaged over places, then over depths.
    """
    depths = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(first, second, strict=True)]
    return torch.stack(depths).mean(0)


def unit_vectors(features: Sequence[Tensor]) -> Tensor:
    """(b, d), whose cosines are 1 - d / 2 with d the distance above: the final embedding tells regions, and no more."""
    flat = [depth.flatten(1) / (depth.shape[2] * depth.shape[3]) ** 0.5 for depth in features]
    return torch.cat(flat, dim=1) / len(features) ** 0.5
