"""Training something that acts on a frozen system: order, noise, accumulation, checkpoints and history.

What is trained, and by which loss, is a subclass's.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from culturebench.errors import CultureBenchError
from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.references import References
from culturebench.progress import progress
from culturebench.text_to_image.adapters.batches import Batches, DeviceMemoryError
from culturebench.text_to_image.denoising import Denoising


class TrainingError(CultureBenchError):
    """A training that the device has no memory for."""


class Numbers(Protocol):
    """What of a params section the loop reads."""

    @property
    def steps(self) -> int:
        """Of the optimiser."""
        ...

    @property
    def batch_size(self) -> int:
        """Pairs of one step."""
        ...

    @property
    def noise_power(self) -> float:
        """Noise level = u ** noise_power, u uniform in 0..1."""
        ...

    @property
    def autocast(self) -> str:
        """`auto`, `off` or `bfloat16`."""
        ...

    @property
    def gradient_checkpointing(self) -> bool | None:
        """Whether activations are computed again; None: when memory is short."""
        ...

    @property
    def checkpoint_every(self) -> int:
        """Steps between two kept states."""
        ...

    @property
    def log_every(self) -> int:
        """Steps between two entries of the history."""
        ...

    @property
    def log_pairs(self) -> int:
        """Pairs behind an entry."""
        ...

    @property
    def seed(self) -> int:
        """Of weights, order and noise."""
        ...


@dataclass(frozen=True)
class Pair:
    """A prompt and the bytes of its reference picture."""

    prompt: str
    image: bytes


@dataclass(frozen=True)
class Batch:
    """Prompts with their references and the noise on them."""

    prompts: list[str]
    pixels: Tensor | None  # (b, 3, size, size); None where only latents are compared
    clean: Tensor  # latents
    noise: Tensor  # like `clean`
    times: Tensor  # (b,)
    picked: list[int]  # each row's pair

    def rows(self, start: int, end: int) -> Batch:
        """The rows [start, end)."""
        cut = slice(start, end)
        clean, noise, times = (one[cut] for one in (self.clean, self.noise, self.times))
        pixels = None if self.pixels is None else self.pixels[cut]
        return Batch(self.prompts[cut], pixels, clean, noise, times, self.picked[cut])


Entry = TypeVar("Entry", bound=Mapping[str, Any])


class Training(ABC, Generic[Entry]):
    """One training on `pairs`; only what the subclass trains moves, and `checkpoints` let it go on after a kill."""

    label: str  # of the bar that shows how far it is
    section: ClassVar[str]  # of params.yaml, where its numbers are

    def __init__(
        self, task: Denoising, pairs: Sequence[Pair], numbers: Numbers, checkpoints: Checkpoints | None = None
    ) -> None:
        self.task, self.pairs, self.numbers = task, pairs, numbers
        self._checkpoints = checkpoints
        self._batches = Batches(task.rows_at_once)
        self._saves_memory = bool(numbers.gradient_checkpointing)
        if self._saves_memory:
            task.use_checkpointing()
        self._references = References(task, [pair.image for pair in pairs])
        self._random = torch.Generator().manual_seed(numbers.seed)
        self._watched = self._batch(self._first_rows())
        self.trained, groups = self._built()
        self._optimizer = torch.optim.AdamW(
            groups,
            weight_decay=0.0,
            fused=True,  # the other ways take MKL's square roots, which Intel's and AMD's processors round differently
        )

    @property
    def _compares_pixels(self) -> bool:
        """Whether the loss needs the references' pixels."""
        return False

    @abstractmethod
    def _built(self) -> tuple[nn.Module, list[dict[str, Any]]]:
        """What is trained, and its weights as the optimiser takes them, with their rates."""

    @abstractmethod
    def _loss(self, batch: Batch, prompts: Sequence[str] | None = None) -> Tensor:
        """The mean loss of a batch, under other `prompts` where they are given."""

    @abstractmethod
    def _entry(self, step: int) -> Entry:
        """What the history says after a step."""

    def train(self) -> list[Entry]:
        """Take all steps that no checkpoint has; the history."""
        numbers = self.numbers
        done, history = self._resumed() or (0, [self._entry(0)])
        for step in progress(range(done + 1, numbers.steps + 1), numbers.steps - done, self.label):
            self._step(self._batch(self._drawn()))
            if step % numbers.log_every == 0 or step == numbers.steps:
                history.append(self._entry(step))
            if self._checkpoints and (step % numbers.checkpoint_every == 0 or step == numbers.steps):
                self._checkpoints.save(step, self.trained, self._optimizer, self._random, history)
        self.trained.eval().requires_grad_(False)
        return history

    def _resumed(self) -> tuple[int, list[Entry]] | None:
        """The newest checkpoint's step and history, its state taken over."""
        if self._checkpoints is None:
            return None
        found: Any = self._checkpoints.restore(self.trained, self._optimizer, self._random)
        if found and found[0]:
            print(f"going on after step {found[0]} of {self.numbers.steps}", file=sys.stderr)
        return found

    def _first_rows(self) -> list[int]:
        """The pairs that are watched: their noise never changes."""
        return torch.randperm(len(self.pairs), generator=self._random).tolist()[: self.numbers.log_pairs]

    def _drawn(self) -> list[int]:
        """The pairs of the next step."""
        return torch.randint(len(self.pairs), (self.numbers.batch_size,), generator=self._random).tolist()

    def _batch(self, rows: Sequence[int]) -> Batch:
        clean = self._references.latents(rows)
        pixels = self._references.pixels(rows) if self._compares_pixels else None
        noise = torch.randn(clean.shape, generator=self._random)
        levels = torch.rand(len(rows), generator=self._random) ** self.numbers.noise_power
        times = (levels * (self.task.levels - 1)).round().long()
        return Batch([self.pairs[row].prompt for row in rows], pixels, clean, noise, times, list(rows))

    def _step(self, batch: Batch) -> None:
        """One step of the optimiser, in as many passes as fit into the device's memory."""
        try:
            gradients = self._gradients(batch)
        except DeviceMemoryError:
            if self._saves_memory or self.numbers.gradient_checkpointing is False:
                raise TrainingError(
                    "the device has no memory for training on a single picture; set in params.yaml "
                    f"{self.section}.gradient_checkpointing: true, {self._cheaper()}models.*.size, or free memory "
                    "that other programs hold"
                ) from None
            self._saves_memory = True
            self.task.use_checkpointing()
            print("out of memory with one picture; going on with gradient checkpointing", file=sys.stderr)
            return self._step(batch)
        for weight, gradient in zip(self.trained.parameters(), gradients, strict=True):
            weight.grad = gradient
        self._optimizer.step()

    def _cheaper(self) -> str:
        """What else of params would save memory, before `models.*.size`."""
        return "a smaller "

    def _gradients(self, batch: Batch) -> list[Tensor]:
        """Of the mean loss over the batch; whole gradients, so that a pass without memory leaves nothing behind."""
        weights = list(self.trained.parameters())
        parts: list[tuple[Tensor, ...]] = []

        def work(rows: Sequence[int]) -> Sequence[int]:
            part = batch.rows(rows[0], rows[-1] + 1)
            parts.append(
                torch.autograd.grad(
                    self._loss(part) * (len(rows) / len(batch.prompts)), weights, materialize_grads=True
                )
            )
            return rows

        self._batches.map(work, range(len(batch.prompts)))
        total = list(parts[0])
        for part in parts[1:]:
            total = [so_far + more for so_far, more in zip(total, part, strict=True)]
        return total

    def _mixed(self, batch: Batch) -> torch.autocast:
        """Mixed precision where params or the device ask for it."""
        device = batch.clean.device.type
        wanted = self.numbers.autocast
        return torch.autocast(
            device, torch.bfloat16, enabled=wanted == "bfloat16" or (wanted == "auto" and device == "cuda")
        )

    def _watch(self, prompts: Sequence[str]) -> float:
        """The mean loss of the watched references under `prompts`."""
        count = len(prompts)

        def work(rows: Sequence[int]) -> list[Tensor]:
            start, end = rows[0], rows[-1] + 1
            return [self._loss(self._watched.rows(start, end), prompts[start:end]).detach()] * len(rows)

        return sum(loss.item() for loss in self._batches.map(work, range(count))) / count
