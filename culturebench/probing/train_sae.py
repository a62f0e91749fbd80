"""Training of a Top-K SAE with an auxiliary loss that wakes dead latents (AuxK; Gao et al. 2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import linear

from culturebench.probing.initialise import Batches, initial_sae, moments, unit_norm
from culturebench.probing.sae import SaeError, TopKSAE, keep_largest
from culturebench.probing.sparse import sparse_pass
from culturebench.probing.training_state import Checkpoint, TrainingState

if TYPE_CHECKING:
    from culturebench.artifacts.sae import Step

#: Wraps the range of steps that are left, to show how far training is.
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
    centre: str = "mean"  # where the decoder's bias starts: mean | geometric_median
    log_every: int = 100  # steps between two points of the history


@dataclass(frozen=True)
class SaeQuality:
    """`fvu`: share of variance left unexplained; `l0`: mean latents above 0 per token; `dead`: share never above 0."""

    fvu: float
    l0: float
    dead: float


@dataclass(frozen=True)
class Trained:
    """A trained autoencoder, frozen, and how training went."""

    sae: TopKSAE
    #: `fvu` and `l0` on the step's batch, `dead` the share silent for `dead_after` steps.
    history: list[Step]


def train(
    features: Tensor,
    settings: SaeTraining,
    seed: int,
    *,
    watch: Watch = iter,
    checkpoint: Checkpoint | None = None,
    device: torch.device | str = "cpu",
) -> Trained:
    """An SAE of features (tokens, d); the same features, settings, seed and device give the same weights.

    `features` may be mapped from a file: they are read a batch at a time. With `checkpoint`, a run that was stopped at
    any step goes on from the last state that was kept, to the same bytes. `SaeError` when there are no features,
    or they do not vary.
    """
    found = moments(features)
    sae = initial_sae(features, settings, found, seed).to(device)
    state = TrainingState.fresh(sae, settings.learning_rate)
    if checkpoint:
        checkpoint.resume(state)
    batches = Batches(len(features), settings.batch, seed)
    for step in watch(range(state.step, settings.steps)):
        batch = features[batches.indices(step)].to(device) * found.scale
        error, l0 = _step(state, batch, settings, found.variance)
        if step % settings.log_every == 0 or step == settings.steps - 1:
            state.log(error / found.variance, l0, settings.dead_after)
        if checkpoint and state.step < settings.steps:
            checkpoint.save(state)
    if checkpoint:
        checkpoint.forget()
    _unscale(sae, found.scale)
    return Trained(sae.cpu().eval().requires_grad_(False), state.points())


def _step(state: TrainingState, scaled: Tensor, settings: SaeTraining, variance: float) -> tuple[float, float]:
    """One optimizer step on features (batch, d); the squared error a token and the latents above 0."""
    sae = state.sae
    state.optimizer.zero_grad(set_to_none=True)
    done = sparse_pass(sae, scaled)
    error = scaled - done.reconstruction
    squared = error.pow(2).sum(dim=1).mean()
    loss = squared + settings.aux_coefficient * _aux(sae, scaled, error.detach(), state, settings)
    (loss / variance).backward()
    state.optimizer.step()
    unit_norm(sae)
    fires = done.values > 0
    state.advance(done.indices[fires])
    return float(squared.detach()), float(fires.sum()) / len(scaled)


def _aux(sae: TopKSAE, scaled: Tensor, error: Tensor, state: TrainingState, settings: SaeTraining) -> Tensor | float:
    """AuxK: how badly the dead latents alone describe what the others missed; 0 where none is dead."""
    dead = state.dead(settings.dead_after)
    if not len(dead) or not settings.aux_coefficient:
        return 0.0
    # The target is the error itself: adding decoder_bias here again would teach dead latents the mean.
    latents = torch.relu(linear(scaled - sae.decoder_bias, sae.encoder[dead], sae.encoder_bias[dead]))
    helped = keep_largest(latents, min(settings.aux_k, len(dead))) @ sae.decoder[dead]
    missed = (helped - error).pow(2).sum(dim=1).mean()
    return min(len(dead) / settings.aux_k, 1.0) * missed


@torch.no_grad()
def _unscale(sae: TopKSAE, scale: float) -> None:
    """From the scaled space of training to the features' own: the directions and the choice of latents stay."""
    sae.encoder_bias.div_(scale)
    sae.decoder_bias.div_(scale)


@torch.no_grad()
def quality(sae: TopKSAE, features: Tensor, batch: int = 8192) -> SaeQuality:
    """How well `sae` describes features (tokens, d) that it need not have seen."""
    mean = torch.stack([part.double().sum(dim=0) for part in features.split(batch)]).sum(dim=0) / len(features)
    missed = spread = above = 0.0
    fired = torch.zeros(sae.latents, dtype=torch.bool)
    for part in features.split(batch):
        latents = sae.encode(part)
        missed += float((part - sae.decode(latents)).double().pow(2).sum())
        spread += float((part - mean).pow(2).sum())
        above += float((latents > 0).sum())
        fired |= (latents > 0).any(dim=0)
    if not spread > 0:
        raise SaeError("every held-out feature vector is the same; there is no variance to explain")
    return SaeQuality(missed / spread, above / len(features), 1 - float(fired.float().mean()))
