"""Training an adapter on a region's pictures; the denoiser's own weights never move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from culturebench.interventions.adapters.cultural_loss import Projection, cultural_loss, spread
from culturebench.interventions.adapters.lora import Lora, Watch
from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.training import Batch, Pair, Training
from culturebench.text_to_image.denoising import Denoising, Estimate

if TYPE_CHECKING:
    from culturebench.artifacts.adapter import Entry
    from culturebench.params.train_adapter import TrainAdapter


@dataclass(frozen=True)
class Cultural:
    """K-StyleLoRA's loss: `features` makes unit vectors (b, d) of estimated latents, `concepts` are (K, d)."""

    concepts: Tensor
    features: Callable[[Tensor], Tensor]
    learned: Projection | None = None  # what of `features` trains with the LoRA


@dataclass(frozen=True)
class Lessons:
    """The region's pairs, and those of others on which the frozen model's prediction is kept, with its weight."""

    own: Sequence[Pair]
    kept: Sequence[Pair] = ()
    preserve: float = 0.0


class Trained(nn.Module):
    """The LoRA, and what of the cultural loss trains with it."""

    def __init__(self, lora: Lora, learned: Projection | None) -> None:
        super().__init__()
        self.lora, self.learned = lora, learned


@dataclass(frozen=True)
class Losses:
    """Of each row (b,); `cultural` and `features` (b, d) of the region's own alone."""

    diffusion: Tensor  # the denoiser's own, or the distance to what it said without the adapter
    kept: Tensor  # which of the two
    cultural: Tensor | None
    features: Tensor | None


class AdapterTraining(Training["Entry"]):
    """One adapter trained on `lessons`, equation 17; `checkpoints` let it go on after a kill."""

    section = "train_adapter"

    def __init__(
        self,
        task: Denoising,
        lora: Lora,
        lessons: Lessons,
        numbers: TrainAdapter,
        cultural: Cultural | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.label = "adapter"
        self.lora, self.lessons, self.cultural, self._own = lora, lessons, cultural, numbers
        super().__init__(task, [*lessons.own, *lessons.kept], numbers, checkpoints)

    def _built(self) -> tuple[nn.Module, list[dict[str, Any]]]:
        numbers, device = self._own, self._watched.clean.device
        trained = Trained(self.lora, self.cultural.learned if self.cultural else None).to(device)
        weights = list(trained.parameters())
        return trained, [{"params": weights, "lr": numbers.learning_rate, "weight_decay": numbers.weight_decay}]

    def _first_rows(self) -> list[int]:
        count, own = self.numbers.log_pairs, len(self.lessons.own)
        mine = torch.randperm(own, generator=self._random).tolist()[:count]
        if not self.lessons.preserve:
            return mine
        others = torch.randperm(len(self.lessons.kept), generator=self._random).tolist()[:count]
        return [*mine, *(own + row for row in others)]

    def _drawn(self) -> list[int]:
        count, own = self.numbers.batch_size, len(self.lessons.own)
        mine = torch.randint(own, (count,), generator=self._random).tolist()
        if not self.lessons.preserve:
            return mine
        others = torch.randint(len(self.lessons.kept), (count,), generator=self._random).tolist()
        return [*mine, *(own + row for row in others)]

    def _loss(self, batch: Batch, prompts: Sequence[str] | None = None) -> Tensor:
        """Equation 17, and beside it the kept predictions; each kind's mean, whatever part of a step this is."""
        found = self._losses(batch, prompts)
        both = 2.0 if self.lessons.preserve else 1.0  # a step holds as many kept rows as own ones
        weights = torch.where(found.kept, both * self.lessons.preserve, both)
        total = (weights * found.diffusion).sum()
        if found.cultural is not None:
            total = total + both * self._own.csl.weight * found.cultural.sum()
        return total / len(batch.prompts)

    def _losses(self, batch: Batch, prompts: Sequence[str] | None = None) -> Losses:
        task = self.task
        kept = torch.tensor([row >= len(self.lessons.own) for row in batch.picked], device=batch.clean.device)
        with self._mixed(batch):
            with torch.no_grad():
                condition = task.conditions(prompts or batch.prompts)
            with self.lora.attached(task.denoiser):
                made = task.estimate(condition, batch.clean, batch.noise, batch.times)
            target = self._target(condition, batch, kept)
        error = (made.predicted.float() - target).square().flatten(1).mean(dim=1)
        return Losses(error, kept, *self._cultural(made, batch, ~kept))

    def _target(self, condition: dict[str, Tensor], batch: Batch, kept: Tensor) -> Tensor:
        """What the denoiser's own training has it predict; of kept rows what it predicts without the adapter."""
        levels = self.task.noise_levels(batch.clean)
        target = levels.target(batch.clean, batch.noise.to(batch.clean.device), batch.times).float()
        if bool(kept.any()):
            with torch.no_grad():
                frozen = self.task.estimate(condition, batch.clean, batch.noise, batch.times).predicted.float()
            target = torch.where(kept.view(-1, *[1] * (target.dim() - 1)), frozen, target)
        return target

    def _cultural(self, made: Estimate, batch: Batch, own: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """L_cultural (own rows,) of the estimated latents, and their features."""
        if self.cultural is None or not bool(own.any()):
            return None, None
        features = self.cultural.features(made.clean[own])
        concepts = self.cultural.concepts.to(features.device)
        losses = cultural_loss(features, concepts, self._own.csl.temperature)
        if self._own.csl.by_signal:
            levels = self.task.noise_levels(batch.clean)
            losses = losses * levels.signal[batch.times].square().to(losses.device)[own]
        return losses, features

    @torch.no_grad()
    def _entry(self, step: int) -> Entry:
        parts: list[Losses] = []
        watch = Watch()

        def work(rows: Sequence[int]) -> Sequence[int]:
            parts.append(self._losses(self._watched.rows(rows[0], rows[-1] + 1)))
            return rows

        self._batches.map(work, range(len(self._watched.prompts)))
        errors = torch.cat([part.diffusion for part in parts])
        kept = torch.cat([part.kept for part in parts])
        cultural = [part.cultural for part in parts if part.cultural is not None]
        features = [part.features for part in parts if part.features is not None]
        if self.lora.gate is not None:
            first = self._watched.rows(0, self.task.rows_at_once or len(self._watched.prompts))
            with self.lora.attached(self.task.denoiser, watch=watch):
                self.task.estimate(self.task.conditions(first.prompts), first.clean, first.noise, first.times)
        return {
            "step": step,
            "loss": float(errors[~kept].mean()),
            "kept": float(errors[kept].mean()) if bool(kept.any()) else None,
            "cultural": float(torch.cat(cultural).mean()) if cultural else None,
            "spread": spread(torch.cat(features)) if features else None,
            "share": self._share() if self.cultural else None,
            "gate": watch.gate,
        }

    def _share(self) -> float:
        """What part of the gradient at the LoRA is the cultural loss's, by norms, on the first watched rows."""
        weights = list(self.lora.parameters())
        rows = self._watched.rows(0, min(self.task.rows_at_once or self.numbers.batch_size, self.numbers.batch_size))
        with torch.enable_grad():
            found = self._losses(rows)
            assert found.cultural is not None  # the first rows are the region's own
            own = found.diffusion[~found.kept].mean()
            norms = [
                _norm(torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True))
                for loss in (own, self._own.csl.weight * found.cultural.mean())
            ]
        return norms[1] / sum(norms) if sum(norms) else 0.0


def _norm(gradients: Sequence[Tensor | None]) -> float:
    return float(sum(float(one.square().sum()) for one in gradients if one is not None) ** 0.5)
