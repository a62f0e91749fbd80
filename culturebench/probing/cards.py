"""What can be said of single latents without a picture: what fires them, who shares them, and how stable they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from culturebench.probing.attention import Prompt
from culturebench.probing.drift import SAME
from culturebench.probing.pooling import pooled_latents
from culturebench.probing.probed import Probed
from culturebench.probing.sae import TopKSAE

if TYPE_CHECKING:
    from culturebench.artifacts.cards import Caption, Mark, Near, Twin


class Told(NamedTuple):
    """A prompt of a region's captions, and its language."""

    region: str
    language: str
    prompt: Prompt


@dataclass(frozen=True)
class Reading:
    """How prompts are read: an encoder at its layer, an autoencoder, and where the selection looks at a prompt."""

    probed: Probed
    sae: TopKSAE
    positions: str
    pool: str
    batch_size: int

    def pooled(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]:
        """Top-K latents (prompts, latents) as the selection sees them; NaN where it sees no token."""
        batches = self.probed.features([one.text for one in prompts], self.batch_size)
        causal = self.probed.model.causal
        return pooled_latents(self.sae, batches, prompts, positions=self.positions, pool=self.pool, causal=causal)

    @torch.no_grad()
    def tokens(self, texts: Sequence[str]) -> Iterator[tuple[str, list[tuple[int, int]], NDArray[np.float32]]]:
        """Each text, its words' tokens as character spans, and their Top-K latents (tokens, latents)."""
        for batch in self.probed.features(texts, self.batch_size):
            words = batch.tokens.real & ~batch.tokens.special
            for row, text in enumerate(texts[batch.start : batch.start + len(batch.features)]):
                places = torch.nonzero(words[row])[:, 0].tolist()
                latents = self.sae.encode(batch.features[row, places].cpu()).numpy()
                yield text, [batch.tokens.offsets[row][place] for place in places], latents


def strongest(reading: Reading, told: Iterable[Told], latents: Sequence[int], count: int) -> dict[int, list[Caption]]:
    """Of each latent, by language the `count` different captions that fire it most, with the tokens that it fires on.

    A caption that fires it nowhere is left out.
    """
    some = list(dict.fromkeys(told))
    pooled = np.nan_to_num(reading.pooled([one.prompt for one in some]))
    chosen = {latent: _by_language(some, pooled[:, latent], count) for latent in latents}
    texts = sorted({some[row].prompt.text for rows in chosen.values() for row in rows})
    seen = {text: (spans, found) for text, spans, found in reading.tokens(texts)}
    return {
        latent: [
            {
                "region": some[row].region,
                "language": some[row].language,
                "text": some[row].prompt.text,
                "activation": float(pooled[row, latent]),
                "marks": _marks(*seen[some[row].prompt.text], latent),
            }
            for row in rows
        ]
        for latent, rows in chosen.items()
    }


def _by_language(told: Sequence[Told], values: NDArray[np.float64], count: int) -> list[int]:
    """Rows by language, the strongest first; a text counts once."""
    order = sorted(np.flatnonzero(values > 0).tolist(), key=lambda row: (told[row].language, -values[row], row))
    found: dict[str, dict[str, int]] = {}
    for row in order:
        texts = found.setdefault(told[row].language, {})
        if len(texts) < count:
            texts.setdefault(told[row].prompt.text, row)
    return [row for texts in found.values() for row in texts.values()]


def _marks(spans: Sequence[tuple[int, int]], latents: NDArray[np.float32], latent: int) -> list[Mark]:
    values = latents[:, latent]
    highest = float(values.max(initial=0.0))
    return [
        {"start": start, "end": end, "share": float(value) / highest}
        for (start, end), value in zip(spans, values, strict=True)
        if value > 0
    ]


def nearest(sae: TopKSAE, latent: int, count: int, regions_of: Mapping[int, Sequence[str]]) -> list[Near]:
    """The latents whose decoder directions have the highest cosine to one's own; `regions_of` says whose they are."""
    cosines = _cosines(sae, sae.decoder[latent])
    cosines[latent] = -np.inf
    order = np.argsort(-cosines, kind="stable")[:count]
    return [{"latent": int(i), "cosine": float(cosines[i]), "regions": list(regions_of.get(int(i), ()))} for i in order]


def twins(
    sae: TopKSAE, latent: int, others: Mapping[int, TopKSAE], selected: Mapping[int, frozenset[int]]
) -> list[Twin]:
    """In each other autoencoder the latent of the highest cosine; `selected` are the region's neurons there.

    The same neuron from `drift.SAME` on, after Paulo and Belrose.
    """
    found: list[Twin] = []
    for seed, other in sorted(others.items()):
        cosines = _cosines(other, sae.decoder[latent])
        best = int(cosines.argmax())
        cosine = float(cosines[best])
        own = best in selected.get(seed, frozenset())
        found.append({"sae_seed": seed, "latent": best, "cosine": cosine, "same": cosine >= SAME, "selected": own})
    return found


def _cosines(sae: TopKSAE, direction: torch.Tensor) -> NDArray[np.float64]:
    """Of a direction (d,) and each decoder row: (latents,)."""
    rows, one = sae.decoder.double(), direction.double()
    norms = rows.norm(dim=1) * one.norm()
    return ((rows @ one) / norms.clamp_min(1e-12)).numpy()
