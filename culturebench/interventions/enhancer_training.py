"""Training an enhancer to bring noun prompts nearer to their reference pictures; only its weights move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.enhancer import Enhancer
from culturebench.interventions.training import Batch, Pair, Training
from culturebench.probing.features import feature_batches, token_features
from culturebench.text_to_image.denoising import Denoising

if TYPE_CHECKING:
    from culturebench.artifacts.enhancer import Entry
    from culturebench.interventions.perceptual import Distance
    from culturebench.params.train_enhancer import TrainEnhancer


class EnhancerTraining(Training["Entry"]):
    """One enhancer at `layer` of the edited tower, trained on `pairs`; `checkpoints` let it go on after a kill."""

    section = "train_enhancer"

    def __init__(
        self,
        task: Denoising,
        layer: int,
        pairs: Sequence[Pair],
        numbers: TrainEnhancer,
        checkpoints: Checkpoints | None = None,
        distance: Distance | None = None,
    ) -> None:
        """`distance`: what a perceptual loss takes."""
        self.layer, self._own, self._distance = layer, numbers, distance
        self.label = f"enhancer, layer {layer}"
        super().__init__(task, pairs, numbers, checkpoints)

    def _built(self) -> tuple[nn.Module, list[dict[str, Any]]]:
        numbers = self._own
        features = self._features(self._watched.prompts)
        unit = math.sqrt(float(features.square().mean()))
        self.enhancer = Enhancer(self.task.encoder.hidden_size, numbers.width, unit, numbers.seed).to(features.device)
        matrices = [weight for name, weight in self.enhancer.named_parameters() if name != "gain"]
        return self.enhancer, [
            {"params": matrices, "lr": numbers.learning_rate},
            {"params": [self.enhancer.gain], "lr": numbers.gain_rate},
        ]

    @property
    def _compares_pixels(self) -> bool:
        return self._own.loss_space != "latent"

    def _cheaper(self) -> str:
        return "train_enhancer.loss_space: latent, a smaller train_enhancer.last_steps or "

    def _loss(self, batch: Batch, prompts: Sequence[str] | None = None) -> Tensor:
        """The error of the pictures made under `prompts`, by default the references' own."""
        task, numbers = self.task, self._own
        with self._mixed(batch):
            with task.encoder.edited(self.layer, self.enhancer.as_edit()):
                condition = task.conditions(prompts or batch.prompts)
            if numbers.objective == "sample_k":
                made = task.sample(condition, batch.noise, numbers.last_steps)
            else:
                made = task.estimate(condition, batch.clean, batch.noise, batch.times).clean
            if batch.pixels is not None:
                made = task.decode(made)
        wanted = batch.clean if batch.pixels is None else batch.pixels
        if self._distance:
            return self._distance(made, wanted).mean()
        return (made.float() - wanted).square().mean()

    @torch.no_grad()
    def _entry(self, step: int) -> Entry:
        """Loss, residual and gap on the watched pairs, whose noise never changes."""
        batch = self._watched
        half = len(batch.prompts) // 2
        right, other = self._watch(batch.prompts), self._watch(batch.prompts[half:] + batch.prompts[:half])
        features = self._features(batch.prompts)
        share = self.enhancer.residual(features).norm(dim=-1) / features.norm(dim=-1)
        return {"step": step, "loss": right, "residual": float(share.mean()), "gap": other - right}

    def _features(self, prompts: Sequence[str]) -> Tensor:
        """Attention outputs (n, d) of the prompts' real tokens at the layer."""
        return token_features(feature_batches(self.task.encoder, self.layer, prompts, len(prompts)))
