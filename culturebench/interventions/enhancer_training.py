"""Training an enhancer to bring noun prompts nearer to their reference pictures; only its weights move."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from culturebench.errors import CultureBenchError
from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.enhancer import Enhancer
from culturebench.png import from_png
from culturebench.probing.features import feature_batches, token_features
from culturebench.progress import progress
from culturebench.text_to_image.adapters.batches import Batches, DeviceMemoryError
from culturebench.text_to_image.denoising import Denoising

if TYPE_CHECKING:
    from culturebench.artifacts.enhancer import Entry
    from culturebench.params.train_enhancer import TrainEnhancer


class TrainingError(CultureBenchError):
    """A training that the device has no memory for."""


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

    def rows(self, start: int, end: int) -> Batch:
        """The rows [start, end)."""
        tensors = (self.pixels, self.clean, self.noise, self.times)
        return Batch(self.prompts[start:end], *(tensor[start:end] for tensor in tensors))


class EnhancerTraining:
    """One enhancer at `layer` of the edited tower, trained on `pairs`; `checkpoints` let it go on after a kill."""

    def __init__(
        self,
        task: Denoising,
        layer: int,
        pairs: Sequence[Pair],
        numbers: TrainEnhancer,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.task, self.layer, self.pairs, self.numbers = task, layer, pairs, numbers
        self._checkpoints = checkpoints
        self._batches = Batches(task.rows_at_once)
        self._saves_memory = bool(numbers.gradient_checkpointing)
        if self._saves_memory:
            task.use_checkpointing()
        self._random = torch.Generator().manual_seed(numbers.seed)
        order = torch.randperm(len(pairs), generator=self._random).tolist()
        self._watched = self._batch(order[: numbers.log_pairs])
        features = self._features(self._watched.prompts)
        unit = math.sqrt(float(features.square().mean()))
        self.enhancer = Enhancer(task.encoder.hidden_size, numbers.width, unit, numbers.seed).to(features.device)
        matrices = [weight for name, weight in self.enhancer.named_parameters() if name != "gain"]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "lr": numbers.learning_rate},
                {"params": [self.enhancer.gain], "lr": numbers.gain_rate},
            ],
            weight_decay=0.0,
            fused=True,  # the other ways take MKL's square roots, which Intel's and AMD's processors round differently
        )

    def train(self) -> list[Entry]:
        """Take all steps that no checkpoint has; the history as the artifact `enhancer` holds it."""
        numbers = self.numbers
        done, history = self._resumed() or (0, [self._entry(0)])
        for step in progress(range(done + 1, numbers.steps + 1), numbers.steps - done, f"enhancer, layer {self.layer}"):
            rows = torch.randint(len(self.pairs), (numbers.batch_size,), generator=self._random).tolist()
            self._step(self._batch(rows))
            if step % numbers.log_every == 0 or step == numbers.steps:
                history.append(self._entry(step))
            if self._checkpoints and (step % numbers.checkpoint_every == 0 or step == numbers.steps):
                self._checkpoints.save(step, self.enhancer, self._optimizer, self._random, history)
        self.enhancer.eval().requires_grad_(False)
        return history

    def _resumed(self) -> tuple[int, list[Entry]] | None:
        """The newest checkpoint's step and history, its state taken over."""
        if self._checkpoints is None:
            return None
        found = self._checkpoints.restore(self.enhancer, self._optimizer, self._random)
        if found and found[0]:
            print(f"going on after step {found[0]} of {self.numbers.steps}", file=sys.stderr)
        return found

    def _batch(self, rows: Sequence[int]) -> Batch:
        pixels = self.task.pixels([from_png(self.pairs[row].image) for row in rows])
        clean = self.task.latents(pixels)
        noise = torch.randn(clean.shape, generator=self._random)
        levels = torch.rand(len(rows), generator=self._random) ** self.numbers.noise_power
        times = (levels * (self.task.levels - 1)).round().long()
        return Batch([self.pairs[row].prompt for row in rows], pixels, clean, noise, times)

    def _step(self, batch: Batch) -> None:
        """One step of the optimiser, in as many passes as fit into the device's memory."""
        try:
            gradients = self._gradients(batch)
        except DeviceMemoryError:
            if self._saves_memory or self.numbers.gradient_checkpointing is False:
                raise TrainingError(
                    "the device has no memory for training on a single picture; set in params.yaml "
                    "train_enhancer.gradient_checkpointing: true, train_enhancer.loss_space: latent, a smaller "
                    "train_enhancer.last_steps or models.*.size, or free memory that other programs hold"
                ) from None
            self._saves_memory = True
            self.task.use_checkpointing()
            print("out of memory with one picture; going on with gradient checkpointing", file=sys.stderr)
            return self._step(batch)
        for weight, gradient in zip(self.enhancer.parameters(), gradients, strict=True):
            weight.grad = gradient
        self._optimizer.step()

    def _gradients(self, batch: Batch) -> list[Tensor]:
        """Of the mean loss over the batch; whole gradients, so that a pass without memory leaves nothing behind."""
        weights = list(self.enhancer.parameters())
        parts: list[tuple[Tensor, ...]] = []

        def work(rows: Sequence[int]) -> Sequence[int]:
            part = batch.rows(rows[0], rows[-1] + 1)
            parts.append(torch.autograd.grad(self._loss(part) * (len(rows) / len(batch.prompts)), weights))
            return rows

        self._batches.map(work, range(len(batch.prompts)))
        total = list(parts[0])
        for part in parts[1:]:
            total = [so_far + more for so_far, more in zip(total, part, strict=True)]
        return total

    def _loss(self, batch: Batch, prompts: Sequence[str] | None = None) -> Tensor:
        """The error of the pictures made under `prompts`, by default the references' own."""
        task, numbers = self.task, self.numbers
        device = batch.pixels.device.type
        mixed = numbers.autocast == "bfloat16" or (numbers.autocast == "auto" and device == "cuda")
        with torch.autocast(device, torch.bfloat16, enabled=mixed):
            with task.encoder.edited(self.layer, self.enhancer.as_edit()):
                condition = task.conditions(prompts or batch.prompts)
            if numbers.objective == "sample_k":
                made = task.sample(condition, batch.noise, numbers.last_steps)
            else:
                made = task.estimate(condition, batch.clean, batch.noise, batch.times)
            if numbers.loss_space == "pixel":
                return (task.decode(made).float() - batch.pixels).square().mean()
        return (made.float() - batch.clean).square().mean()

    @torch.no_grad()
    def _entry(self, step: int) -> Entry:
        """Loss, residual and gap on the watched pairs, whose noise never changes."""
        batch = self._watched
        half = len(batch.prompts) // 2
        right, other = self._watch(batch.prompts), self._watch(batch.prompts[half:] + batch.prompts[:half])
        features = self._features(batch.prompts)
        share = self.enhancer.residual(features).norm(dim=-1) / features.norm(dim=-1)
        return {"step": step, "loss": right, "residual": float(share.mean()), "gap": other - right}

    def _watch(self, prompts: Sequence[str]) -> float:
        """The mean loss of the watched references under `prompts`."""
        count = len(prompts)

        def work(rows: Sequence[int]) -> list[Tensor]:
            start, end = rows[0], rows[-1] + 1
            return [self._loss(self._watched.rows(start, end), prompts[start:end]).detach()] * len(rows)

        return sum(loss.item() for loss in self._batches.map(work, range(count))) / count

    def _features(self, prompts: Sequence[str]) -> Tensor:
        """Attention outputs (n, d) of the prompts' real tokens at the layer."""
        return token_features(feature_batches(self.task.encoder, self.layer, prompts, len(prompts)))
