"""Edits of attention outputs in the latent space of an SAE; attach one with `TextEncoder.edited(layer, edit)`.

What is added to a feature is `decode(Z') - decode(Z)`, with Z the latents without the Top-K step: a weak
latent is 0 after Top-K, and 0 times anything stays 0. Only real tokens are touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from culturebench.errors import CultureBenchError
from culturebench.probing.sae import TopKSAE, as_neurons
from culturebench.text_to_image.base import Edit


class EditError(CultureBenchError):
    """An edit that was asked for with values that do not fit together."""


def unchanged(features: Tensor, _real: Tensor) -> Tensor:
    """The edit that does nothing, bit for bit."""
    return features


def finite(strength: float) -> float:
    """The strength; `EditError` for one that is no number: the picture would be of nothing."""
    if not math.isfinite(strength):
        raise EditError(f"the strength of an edit is {strength}; it must be a finite number")
    return strength


def amplify(sae: TopKSAE, neurons: Sequence[int], strength: float) -> Edit:
    """Scale `neurons` by 1 + `strength`; strength 0 changes no bit."""
    if finite(strength) == 0:
        return unchanged
    return _latent_edit(sae, neurons, lambda latents: strength * latents)


def activate(sae: TopKSAE, neurons: Sequence[int], levels: Sequence[float], strength: float) -> Edit:
    """Set each of `neurons` to `strength` times its level, so that a silent latent wakes; strength 0 changes no bit.

    To set them to 0, `mask` them. `levels` are mean activations on cultural prompts, in the order of `neurons`.
    """
    if len(levels) != len(neurons):
        raise EditError(f"{len(neurons)} neurons need as many levels, got {len(levels)}")
    if finite(strength) == 0:
        return unchanged
    target = torch.tensor(list(levels), dtype=torch.float32, device=sae.encoder.device) * strength
    return _latent_edit(sae, neurons, lambda latents: target.to(latents.device) - latents)


def mask(sae: TopKSAE, neurons: Sequence[int]) -> Edit:
    """Set `neurons` to 0."""
    return _latent_edit(sae, neurons, torch.neg)


def steer(direction: Sequence[float], strength: float) -> Edit:
    """Add `strength` times `direction` (d,) to every real token (Turner et al. 2023, "Activation addition")."""
    if finite(strength) == 0:
        return unchanged
    added = torch.tensor(list(direction), dtype=torch.float32) * strength

    def edit(features: Tensor, real: Tensor) -> Tensor:
        return torch.where(real[..., None], features + added.to(features), features)

    return edit


def norm_matched(edit: Edit, reference: Edit) -> Edit:
    """`edit`, with what it adds to each token rescaled to the norm of what `reference` would add there.

    Where `edit` adds nothing there is nothing to rescale.
    """

    def matched(features: Tensor, real: Tensor) -> Tensor:
        change = edit(features, real) - features
        size, wanted = (added.norm(dim=-1, keepdim=True) for added in (change, reference(features, real) - features))
        factor = torch.where(size > 0, wanted / size.clamp_min(torch.finfo(size.dtype).tiny), torch.zeros_like(size))
        return torch.where(real[..., None], features + change * factor, features)

    return matched


def along(direction: Tensor, reference: Edit) -> Edit:
    """Add the unit vector `direction` (d,) to each token, as large as what `reference` would add there."""

    def added(features: Tensor, real: Tensor) -> Tensor:
        wanted = (reference(features, real) - features).norm(dim=-1, keepdim=True)
        return torch.where(real[..., None], features + wanted * direction.to(features), features)

    return added


class Measured:
    """An edit that remembers its size: the mean norm of what it adds to a real token, as a share of the feature's."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self._shares: list[float] = []

    @property
    def size(self) -> float:
        """The mean share over all tokens so far, 0 before the first call."""
        return sum(self._shares) / len(self._shares) if self._shares else 0.0

    def __call__(self, features: Tensor, real: Tensor) -> Tensor:
        """Features (batch, tokens, d), real (batch, tokens) -> edited features."""
        edited = self.edit(features, real)
        share = (edited - features).float().norm(dim=-1) / features.float().norm(dim=-1)
        self._shares += share[real].tolist()
        return edited


def _latent_edit(sae: TopKSAE, neurons: Sequence[int], change: Callable[[Tensor], Tensor]) -> Edit:
    """Add what `change` of the latents (batch, tokens, neurons) means for the features."""
    if not neurons:
        return unchanged
    chosen = as_neurons(sae, neurons)

    def edit(features: Tensor, real: Tensor) -> Tensor:
        here = chosen.to(features.device)
        sae.to(features.device)  # follows the encoder, which may run on a GPU
        added = sae.decode_change(change(sae.pre(features.float(), here)), here)
        return torch.where(real[..., None], features + added.to(features.dtype), features)

    return edit
