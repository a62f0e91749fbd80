"""Our training step beside that of EleutherAI's sparsify, and beside the one matrix product that both need.

Both train from the same weights on the same batches in float32, a step of each in turn. Sparsify's step is that of its
`Trainer` for one module: unit norm, forward, backward, gradient made orthogonal, Adam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version

import torch
from sparsify import SparseCoder, SparseCoderConfig
from torch import Tensor

from benchmarks._ratios import Row, in_turns
from culturebench.probing import train_sae
from culturebench.probing.initialise import Batches, initial_sae, moments
from culturebench.probing.train_sae import SaeTraining
from culturebench.probing.training_state import TrainingState

D, LATENTS, K, BATCH, TOKENS = 1024, 4096, 32, 4096, 32768
STEPS, AUX_STEPS, THREADS = 12, 2, 1
NEVER = 10**6
SETTINGS = SaeTraining(LATENTS, K, STEPS, BATCH, 4e-4, 1 / 32, D // 2, NEVER)


def features() -> Tensor:
    """Sums of 40 of 4096 directions about a mean, with noise: (tokens, d)."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(LATENTS, D, generator=generator), dim=1)
    chosen = torch.randint(LATENTS, (TOKENS, 40), generator=generator)
    strength = torch.rand(TOKENS, 40, generator=generator) + 0.5
    sums = torch.nn.functional.embedding_bag(chosen, directions, per_sample_weights=strength, mode="sum")
    return sums + 0.05 * torch.randn(TOKENS, D, generator=generator) + torch.randn(D, generator=generator) * 0.1


class Theirs:
    """The step of sparsify's `Trainer` on its own `SparseCoder`, from our first weights."""

    def __init__(self, start: TrainingState, settings: SaeTraining = SETTINGS) -> None:
        self.settings, device = settings, start.sae.encoder.device
        self.coder = SparseCoder(start.sae.d, SparseCoderConfig(num_latents=settings.latents, k=settings.k), device)
        assert self.coder.W_dec is not None
        with torch.no_grad():
            self.coder.encoder.weight.copy_(start.sae.encoder)
            self.coder.W_dec.copy_(start.sae.decoder)
            self.coder.b_dec.copy_(start.sae.decoder_bias)
        self.optimizer = torch.optim.Adam(self.coder.parameters(), lr=settings.learning_rate)
        self.since_fired = torch.zeros(settings.latents, dtype=torch.long, device=device)
        self.dead_after = NEVER * settings.batch

    def __call__(self, batch: Tensor) -> None:
        """Make one step."""
        self.coder.set_decoder_norm_to_unit_norm()
        out = self.coder(batch, dead_mask=self.since_fired > self.dead_after)
        (out.fvu + self.settings.aux_coefficient * out.auxk_loss).backward()
        self.coder.remove_gradient_parallel_to_decoder_directions()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.since_fired += len(batch)
        self.since_fired[out.latent_indices.flatten()] = 0

    @torch.no_grad()
    def reconstruct(self, some: Tensor) -> Tensor:
        """What is left of `some` after the bottleneck."""
        self.coder.set_decoder_norm_to_unit_norm()
        return self.coder(some).sae_out


def unexplained(reconstruct: Callable[[Tensor], Tensor], scaled: Tensor) -> float:
    """The share of the variance that is left."""
    with torch.no_grad():
        missed = sum(float((part - reconstruct(part)).pow(2).sum()) for part in scaled.split(BATCH))
    return missed / float((scaled - scaled.mean(dim=0)).pow(2).sum())


def rows() -> Iterator[Row]:
    """Sparsify's step and the product beside ours, then both with AuxK."""
    torch.set_num_threads(THREADS)
    data = features()
    found = moments(data)
    scaled = data * found.scale
    state = TrainingState.fresh(initial_sae(data, SETTINGS, found, 0), SETTINGS.learning_rate)
    theirs, batches = Theirs(state), Batches(TOKENS, BATCH, 0)
    times: dict[str, list[float]] = {"ours": [], "sparsify": [], "floor": []}
    for step in range(STEPS):
        batch = scaled[batches.indices(step)]
        ways = {
            "sparsify": partial(theirs, batch),
            "ours": partial(train_sae._step, state, batch, SETTINGS, found.variance),
            "floor": partial(torch.nn.functional.linear, batch, state.sae.encoder.detach()),
        }
        for name, seconds in in_turns(ways, 1).items():
            times[name] += seconds
    left = {"ours": unexplained(state.sae, scaled), "sparsify": unexplained(theirs.reconstruct, scaled)}
    apart = left["ours"] / left["sparsify"] - 1
    work = f"one training step of a TopK autoencoder, {D} → {LATENTS} latents, k {K}, {BATCH} tokens, one thread"
    note = f"same weights and batches; after {STEPS} steps ours leaves {apart:+.2%} of what theirs leaves unexplained"
    peer = f"the step of sparsify {version('eai-sparsify')}'s `Trainer`"
    yield Row(work, peer, times["ours"], times["sparsify"], note=note)
    yield Row(work, "the floor: the product of tokens and encoder alone", times["ours"], times["floor"])
    aux = auxk(state, theirs, scaled, found.variance)
    note = f"sparsify {version('eai-sparsify')}'s AuxK trains the decoder alone, ours trains both"
    yield Row(f"{work}, with AuxK and a quarter of the latents dead", peer, *aux, note=note)


def auxk(state: TrainingState, theirs: Theirs, scaled: Tensor, variance: float) -> tuple[list[float], list[float]]:
    """Seconds of our and of sparsify's steps while a quarter of the latents counts as dead."""
    settings, theirs.dead_after = replace(SETTINGS, dead_after=1000), 1000 * BATCH
    times: dict[str, list[float]] = {"ours": [], "sparsify": []}
    for step in range(AUX_STEPS):
        state.silent[::4], theirs.since_fired[::4] = NEVER, NEVER * BATCH
        batch = scaled[step * BATCH : (step + 1) * BATCH]
        ours = partial(train_sae._step, state, batch, settings, variance)
        for name, seconds in in_turns({"sparsify": partial(theirs, batch), "ours": ours}, 1).items():
            times[name] += seconds
    return times["ours"], times["sparsify"]
