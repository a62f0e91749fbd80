"""Prompts that are longer than what an encoder reads of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from culturebench.text_to_image.base import TextEncoder


def told_cut(encoder: TextEncoder, prompts: Iterable[tuple[str, str]]) -> str:
    """How many of the prompts (region, text) of each region are cut, in a sentence; empty where none is."""
    every = list(dict.fromkeys(prompts))
    cut = encoder.cut([text for _, text in every])
    total = Counter(region for region, _ in every)
    counts = Counter(region for (region, _), is_cut in zip(every, cut, strict=True) if is_cut)
    if not counts:
        return ""
    parts = ", ".join(f"{region} {counts[region]} of {total[region]}" for region in total if counts[region])
    return f"prompts that are longer than the encoder reads, and are cut: {parts}; what is cut has no effect there"
