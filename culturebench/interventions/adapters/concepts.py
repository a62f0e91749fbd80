"""Which texts stand for a region's culture, and the vectors that loss and gates are given."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from culturebench.interventions.adapters.overlap import ConceptError
from culturebench.interventions.adapters.space import Space

if TYPE_CHECKING:
    from culturebench.artifacts.splits import SplitRow


def texts_of(
    region: str, wanted: int | Sequence[str], labels: Mapping[str, str], rows: Sequence[SplitRow]
) -> list[str]:
    """The concepts of a region: `wanted` with its label, or so many English cultural captions of its train `rows`.

    Captions are taken by picture id, in turn from each subdivision. `ConceptError` where there are too few.
    """
    if not isinstance(wanted, int):
        return [text.format(region=labels[region]) for text in wanted]
    by_subdivision: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: row["picture_id"]):
        if row["region"] == region and (told := row["cultural_en"]):
            by_subdivision.setdefault(row["subdivision"], []).append(told["text"])
    turns = zip_longest(*(by_subdivision[name] for name in sorted(by_subdivision)))
    found = list(dict.fromkeys(text for turn in turns for text in turn if text))[:wanted]
    if len(found) < wanted:
        raise ConceptError(
            f"{region} has {len(found)} English cultural captions in its train split, train_adapter.concepts asks for "
            f"{wanted}; ask for fewer, or write a list of texts there"
        )
    return found


def other_than(region: str, regions: Sequence[str], seed: int) -> str:
    """Another region, drawn with `seed`; `ConceptError` where there is none."""
    others = [code for code in regions if code != region]
    if not others:
        raise ConceptError(f"`concepts: other_region` needs a region beside {region}; add to `regions`")
    return random.Random(seed).choice(others)


def vectors_of(space: Space, texts: Sequence[str], *, meaningless: bool, seed: int) -> Tensor:
    """Unit vectors (K, d) of the texts, or as many random ones."""
    found = space.embed_texts(texts).float().cpu()
    if meaningless:
        found = F.normalize(torch.randn(found.shape, generator=torch.Generator().manual_seed(seed)), dim=1)
    return found
