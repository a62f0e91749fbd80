"""Training of a Top-K SAE with an auxiliary loss that wakes dead latents (AuxK; Gao et al. 2024)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from culturebench.probing.sae import SaeError, TopKSAE, keep_largest

#: Wraps the range of steps, to show how far training is.
Watch = Callable[[range], Iterable[int]]


@dataclass(frozen=True)
class SaeTraining:
    """How an SAE is trained; steps are optimizer steps, sizes are counted in tokens or latents."""

    latents: int
    k: int
    steps: int
    batch: int
    learning_rate: float
    aux_coefficient: float
    aux_k: int
    dead_after: int


@dataclass(frozen=True)
class SaeQuality:
    """`fvu`: share of variance left unexplained; `l0`: mean latents above 0 a token; `dead`: share never above 0."""

    fvu: float
    l0: float
    dead: float


def train(features: Tensor, settings: SaeTraining, seed: int, watch: Watch = iter) -> TopKSAE:
    """An SAE of features (tokens, d); the same features, settings and seed give the same weights.

    `SaeError` when there are no features, or they do not vary.
    """
    generator = torch.Generator().manual_seed(seed)
    sae = initial_sae(features, settings.latents, settings.k, generator)
    scaled = features * sae.scale
    variance = (scaled - scaled.mean(dim=0)).pow(2).sum(dim=1).mean()
    if not variance > 0:
        raise SaeError("every feature vector is the same; there is nothing to train an autoencoder on")
    optimizer = torch.optim.AdamW(sae.parameters(), lr=settings.learning_rate, weight_decay=0.0, fused=True)
    silent = torch.zeros(settings.latents, dtype=torch.long)  # steps since a latent was last above 0
    batches = _batches(len(scaled), settings.batch, generator)
    for _ in watch(range(settings.steps)):
        optimizer.zero_grad(set_to_none=True)
        loss, fired = _loss(sae, scaled[next(batches)], silent > settings.dead_after, settings)
        (loss / variance).backward()
        optimizer.step()
        _unit_norm(sae)
        silent = torch.where(fired, 0, silent + 1)
    return sae.eval().requires_grad_(False)


def initial_sae(features: Tensor, latents: int, k: int, generator: torch.Generator) -> TopKSAE:
    """Random unit decoder, its transpose as encoder, the mean as decoder bias, mean norm scaled to sqrt(d)."""
    if not len(features) or not bool(torch.isfinite(features).all()):
        raise SaeError(f"{len(features)} feature vectors, or some that are not finite; an autoencoder needs real ones")
    d = features.shape[1]
    norm = float(features.norm(dim=1).mean())
    if norm == 0:
        raise SaeError("every feature vector is 0; there is nothing to train an autoencoder on")
    sae = TopKSAE(d, latents, k, math.sqrt(d) / norm)
    with torch.no_grad():
        sae.decoder.copy_(torch.randn(latents, d, generator=generator))
        _unit_norm(sae)
        sae.encoder.copy_(sae.decoder)
        sae.decoder_bias.copy_((features * sae.scale).mean(dim=0))
    return sae


@torch.no_grad()
def quality(sae: TopKSAE, features: Tensor, batch: int = 8192) -> SaeQuality:
    """How well `sae` describes features (tokens, d) that it need not have seen."""
    mean = features.mean(dim=0)
    missed = spread = above = 0.0
    fired = torch.zeros(sae.latents, dtype=torch.bool)
    for part in features.split(batch):
        latents = sae.encode(part)
        missed += float((part - sae.decode(latents)).double().pow(2).sum())
        spread += float((part - mean).double().pow(2).sum())
        above += float((latents > 0).sum())
        fired |= (latents > 0).any(dim=0)
    return SaeQuality(missed / spread, above / len(features), 1 - float(fired.float().mean()))


def _loss(sae: TopKSAE, scaled: Tensor, dead: Tensor, settings: SaeTraining) -> tuple[Tensor, Tensor]:
    """The squared error a token, with AuxK's share, and which latents fired (latents,)."""
    all_latents = torch.relu(torch.nn.functional.linear(scaled - sae.decoder_bias, sae.encoder, sae.encoder_bias))
    latents = keep_largest(all_latents, sae.k)
    error = scaled - (latents @ sae.decoder + sae.decoder_bias)
    loss = error.pow(2).sum(dim=1).mean()
    count = int(dead.sum())
    if count and settings.aux_coefficient:
        # The target is the error itself: adding decoder_bias here again would teach dead latents the mean.
        k = min(settings.aux_k, count)
        helped = keep_largest(all_latents[:, dead], k) @ sae.decoder[dead]
        missed = (helped - error.detach()).pow(2).sum(dim=1).mean()
        loss = loss + settings.aux_coefficient * min(count / settings.aux_k, 1.0) * missed
    return loss, (latents > 0).any(dim=0)


@torch.no_grad()
def _unit_norm(sae: TopKSAE) -> None:
    sae.decoder.div_(sae.decoder.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny))


def _batches(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless index batches, reshuffled once every vector was seen; a last short batch is left out."""
    size = min(batch, count)
    while True:
        order = torch.randperm(count, generator=generator)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]
