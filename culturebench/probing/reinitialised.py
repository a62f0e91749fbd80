"""Copies of an encoder with weights drawn anew: what its architecture and the prompts' lengths alone do.

Any trained network beats them, so that they are drawn beside the rule and decide nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from culturebench.probing.attention import cultural_attention
from culturebench.probing.pairs import Pair
from culturebench.progress import progress
from culturebench.text_to_image.base import TextEncoder


def copies(encoder: TextEncoder, count: int, seed: int) -> Generator[TextEncoder]:
    """One encoder, `count` times with other weights; use each before the next, they are the same object."""
    copy = deepcopy(encoder)
    for number in range(count):
        draw_anew(copy, encoder, seed + number)
        yield copy


@torch.no_grad()
def draw_anew(copy: nn.Module, trained: nn.Module, seed: int) -> None:
    """Fill each weight of `copy` from a normal distribution with the mean and the spread of the trained one's.

    At the scale of usual initial weights attention would be uniform at every layer and show nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    for own, known in zip(copy.parameters(), trained.parameters(), strict=True):
        values = known.float()
        spread = float(values.std()) if values.numel() > 1 else 0.0
        drawn = torch.randn(known.shape, generator=generator) * spread + float(values.mean())
        own.copy_(drawn.to(own.dtype))


def deltas(
    encoder: TextEncoder, pairs: Sequence[Pair], *, count: int, seed: int, relative: bool, batch_size: int
) -> NDArray[np.float64]:
    """Delta CA of each copy against the neutral modifier: (copies, directions, layers); NaN where no pair has it."""
    whole = [(pair.cultural, pair.neutral) for pair in pairs if pair.neutral is not None]
    prompts = [cultural for cultural, _ in whole] + [neutral for _, neutral in whole]
    texts = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}  # many pairs share a neutral one
    places = [texts[prompt] for prompt in prompts]
    found: list[NDArray[np.float64]] = []
    for copy in progress(copies(encoder, count, seed), count, "encoders with weights drawn anew"):
        read = cultural_attention(copy, list(texts), relative=relative, batch_size=batch_size)[places]
        difference = read[: len(whole)] - read[len(whole) :]
        known = np.isfinite(difference)
        total = np.where(known, difference, 0.0).sum(axis=0)
        found.append(np.where(known.any(axis=0), total / known.sum(axis=0).clip(min=1), np.nan))
    return np.array(found)
