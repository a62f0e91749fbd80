"""What an SAE's latents do on a prompt: one value each, whatever the number of its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from culturebench.probing.attention import Prompt, find_roles
from culturebench.probing.features import FeatureBatch, summary_positions
from culturebench.probing.sae import TopKSAE
from culturebench.probing.selection import Floats


@torch.no_grad()
def pooled_latents(
    sae: TopKSAE, batches: Iterable[FeatureBatch], prompts: Sequence[Prompt], *, positions: str, pool: str, causal: bool
) -> Floats:
    """Top-K latents of each prompt, pooled over its tokens: (prompts, latents).

    `positions` is as of `looked_at`. NaN for a prompt that has no such token.
    """
    pooled = np.full((len(prompts), sae.latents), np.nan)
    for batch in batches:
        for row, chosen in looked_at(batch, prompts, positions=positions, causal=causal):
            pooled[batch.start + row] = _pool(sae.encode(batch.features[row, chosen].cpu()), pool).numpy()
    return pooled


def looked_at(
    batch: FeatureBatch, prompts: Sequence[Prompt], *, positions: str, causal: bool
) -> Iterator[tuple[int, list[int]]]:
    """Each row of a batch of `prompts` with the tokens that stand for it; a row without any is left out.

    `positions`: `modifier_noun` for the tokens of the spans (the noun's alone without a modifier), `summary`
    for the token that the backbone reads.
    """
    summaries: list[int] = summary_positions(batch.tokens, causal=causal).tolist()
    for row, summary in enumerate(summaries):
        prompt = prompts[batch.start + row]
        chosen = [summary]
        if positions == "modifier_noun":
            roles = find_roles(batch.tokens, row, prompt, summary)
            chosen = sorted({*roles.noun, *(() if prompt.modifier is None else roles.modifier)})
        if chosen:
            yield row, chosen


def _pool(latents: Tensor, pool: str) -> Tensor:
    return latents.amax(dim=0) if pool == "max" else latents.mean(dim=0)
