"""Training an enhancer to bring noun prompts nearer to their reference pictures; only its weights move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from culturebench.interventions.enhancer import Enhancer
from culturebench.png import from_png
from culturebench.probing.features import feature_batches, token_features
from culturebench.progress import progress
from culturebench.text_to_image.denoising import Denoising

if TYPE_CHECKING:
    from culturebench.params.train_enhancer import TrainEnhancer


@dataclass(frozen=True)
class Pair:
    """A noun prompt and the bytes of its reference picture."""

    prompt: str
    image: bytes


@dataclass(frozen=True)
class Batch:
    """Prompts with their references and the noise on them."""

    prompts: list[str]
    pixels: Tensor  # (b, 3, size, size)
    clean: Tensor  # latents
    noise: Tensor  # like `clean`
    times: Tensor  # (b,)


class EnhancerTraining:
    """One enhancer at `layer`, trained on `pairs` by the denoising objective."""

    def __init__(self, task: Denoising, layer: int, pairs: Sequence[Pair], numbers: TrainEnhancer) -> None:
        self.task, self.layer, self.pairs, self.numbers = task, layer, pairs, numbers
        self._random = torch.Generator().manual_seed(numbers.seed)
        order = torch.randperm(len(pairs), generator=self._random).tolist()
        self._watched = self._batch(order[: numbers.log_pairs])
        encoder = task.system.encoder
        unit = float(self._features(self._watched.prompts).square().mean().sqrt())
        self.enhancer = Enhancer(encoder.hidden_size, numbers.width, unit, numbers.seed)

    def train(self) -> list[dict[str, Any]]:
        """Take all steps; the history as the artifact `enhancer` holds it."""
        numbers, enhancer = self.numbers, self.enhancer
        matrices = [weight for name, weight in enhancer.named_parameters() if name != "gain"]
        optimizer = torch.optim.AdamW(
            [{"params": matrices, "lr": numbers.learning_rate}, {"params": [enhancer.gain], "lr": numbers.gain_rate}],
            weight_decay=0.0,
        )
        history = [self._entry(0)]
        for step in progress(range(1, numbers.steps + 1), numbers.steps, f"enhancer at layer {self.layer}"):
            rows = torch.randint(len(self.pairs), (numbers.batch_size,), generator=self._random).tolist()
            loss = self._loss(self._batch(rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % numbers.log_every == 0 or step == numbers.steps:
                history.append(self._entry(step))
        enhancer.eval().requires_grad_(False)
        return history

    def _batch(self, rows: Sequence[int]) -> Batch:
        pixels = self.task.pixels([from_png(self.pairs[row].image) for row in rows])
        clean = self.task.latents(pixels)
        noise = torch.randn(clean.shape, generator=self._random)
        levels = torch.rand(len(rows), generator=self._random) ** self.numbers.noise_power
        times = (levels * (self.task.levels - 1)).round().long()
        return Batch([self.pairs[row].prompt for row in rows], pixels, clean, noise, times)

    def _loss(self, batch: Batch, prompts: Sequence[str] | None = None) -> Tensor:
        """The error of the references restored under `prompts`, by default their own."""
        encoder = self.task.system.encoder
        with encoder.edited(self.layer, self.enhancer.as_edit()):
            condition = encoder.run(encoder.tokenize(prompts or batch.prompts))
        estimate = self.task.estimate(condition, batch.clean, batch.noise, batch.times)
        return self.task.error(estimate, batch.clean, batch.pixels, self.numbers.loss_space)

    @torch.no_grad()
    def _entry(self, step: int) -> dict[str, Any]:
        """Loss, residual and gap on the watched pairs, whose noise never changes."""
        batch = self._watched
        half = len(batch.prompts) // 2
        right, other = self._loss(batch), self._loss(batch, batch.prompts[half:] + batch.prompts[:half])
        features = self._features(batch.prompts)
        share = self.enhancer.residual(features).norm(dim=-1) / features.norm(dim=-1)
        return {"step": step, "loss": float(right), "residual": float(share.mean()), "gap": float(other - right)}

    def _features(self, prompts: Sequence[str]) -> Tensor:
        """Attention outputs (n, d) of the prompts' real tokens at the layer."""
        return token_features(feature_batches(self.task.system.encoder, self.layer, prompts, len(prompts)))
