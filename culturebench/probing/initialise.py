"""Where the training of an SAE starts: the data's moments, the first weights, and the order of the batches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from culturebench.probing.sae import SaeError, TopKSAE

if TYPE_CHECKING:
    from culturebench.probing.train_sae import SaeTraining

CHUNK = 8192  # feature vectors looked at together
MEDIAN_SAMPLE = 65_536  # vectors behind the geometric median, evenly over all
MEDIAN_STEPS = 100


@dataclass(frozen=True)
class Moments:
    """Of features (tokens, d): their mean, the factor that gives them the mean norm sqrt(d), and their variance then.

    `variance` is the mean squared distance from the mean, a scalar, after scaling.
    """

    mean: Tensor
    scale: float
    variance: float


def moments(features: Tensor) -> Moments:
    """The moments, chunk by chunk; `SaeError` where there is nothing to learn from."""
    total = torch.zeros(features.shape[1], dtype=torch.float64)
    norms, finite = 0.0, True
    for part in features.split(CHUNK):
        total += part.double().sum(dim=0)
        norms += float(part.norm(dim=1).double().sum())
        finite &= bool(torch.isfinite(part).all())
    if not len(features) or not finite:
        raise SaeError(f"{len(features)} feature vectors, or some that are not finite; an autoencoder needs real ones")
    if norms == 0:
        raise SaeError("every feature vector is 0; there is nothing to train an autoencoder on")
    mean, scale = total / len(features), math.sqrt(features.shape[1]) * len(features) / norms
    spread = sum(float((part - mean).pow(2).sum()) for part in features.split(CHUNK)) / len(features)
    if not spread > 0:
        raise SaeError("every feature vector is the same; there is nothing to train an autoencoder on")
    return Moments(mean.float(), scale, spread * scale**2)


@torch.no_grad()
def initial_sae(features: Tensor, settings: SaeTraining, found: Moments, seed: int) -> TopKSAE:
    """Random unit decoder, its transpose as encoder, the data's centre as decoder bias, all in the scaled space."""
    d = features.shape[1]
    sae = TopKSAE(d, settings.latents, settings.k)
    sae.decoder.copy_(torch.randn(settings.latents, d, generator=torch.Generator().manual_seed(seed)))
    unit_norm(sae)
    sae.encoder.copy_(sae.decoder)
    centre = found.mean if settings.centre == "mean" else geometric_median(features)
    sae.decoder_bias.copy_(centre * found.scale)
    return sae


def geometric_median(features: Tensor) -> Tensor:
    """The point with the least mean distance to features (tokens, d), by Weiszfeld's iteration (1937): (d,)."""
    step = -(-len(features) // MEDIAN_SAMPLE)
    sample = features[::step].double()
    point = sample.mean(dim=0)
    for _ in range(MEDIAN_STEPS):
        weights = 1 / (sample - point).norm(dim=1).clamp_min(1e-9)
        moved = (weights @ sample) / weights.sum()
        done = bool((moved - point).norm() <= 1e-9 * point.norm().clamp_min(1e-9))
        point = moved
        if done:
            break
    return point.float()


@torch.no_grad()
def unit_norm(sae: TopKSAE) -> None:
    """Scale every row of the decoder to norm 1."""
    sae.decoder.div_(sae.decoder.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny))


class Batches:
    """Which vectors each step sees: reshuffled once all were seen, a last short batch left out.

    The order depends on the seed and the step alone, so that training can start at any step.
    """

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self._count, self._size, self._seed = count, min(batch, count), seed
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

    def indices(self, step: int) -> Tensor:
        """The vectors of `step`, 0-based: (batch,)."""
        epoch, place = divmod(step, self._count // self._size)
        if epoch != self._epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._count)
            self._epoch, self._order = epoch, torch.from_numpy(order)
        return self._order[place * self._size : (place + 1) * self._size]
