"""Edits of attention outputs in the latent space of an SAE; attach one with `TextEncoder.edited(layer, edit)`.

What is added to a feature is `decode(Z') - decode(Z)`, with Z the latents without the Top-K step: a weak
latent is 0 after Top-K, and 0 times anything stays 0. Only real tokens are touched.
"""

from __future__ import annotations

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


def amplify(sae: TopKSAE, neurons: Sequence[int], strength: float) -> Edit:
    """Scale `neurons` by 1 + `strength`; strength 0 changes no bit."""
    if strength == 0:
        return unchanged
    return _latent_edit(sae, neurons, lambda latents: strength * latents)


def activate(sae: TopKSAE, neurons: Sequence[int], levels: Sequence[float], strength: float) -> Edit:
    """Set each of `neurons` to `strength` times its level, so that a silent latent wakes; strength 0 changes no bit.

    To set them to 0, `mask` them. `levels` are mean activations on cultural prompts, in the order of `neurons`.
    """
    if len(levels) != len(neurons):
        raise EditError(f"{len(neurons)} neurons need as many levels, got {len(levels)}")
    if strength == 0:
        return unchanged
    target = torch.tensor(list(levels), dtype=torch.float32, device=sae.encoder.device) * strength
    return _latent_edit(sae, neurons, lambda latents: target.to(latents.device) - latents)


def mask(sae: TopKSAE, neurons: Sequence[int]) -> Edit:
    """Set `neurons` to 0."""
    return _latent_edit(sae, neurons, torch.neg)


def steer(direction: Sequence[float], strength: float) -> Edit:
    """Add `strength` times `direction` (d,) to every real token (Turner et al. 2023, "Activation addition")."""
    if strength == 0:
        return unchanged
    added = torch.tensor(list(direction), dtype=torch.float32) * strength

    def edit(features: Tensor, real: Tensor) -> Tensor:
        return torch.where(real[..., None], features + added.to(features), features)

    return edit


def norm_matched(edit: Edit, reference: Edit) -> NormMatched:
    """`edit`, with what it adds to each token rescaled to the norm of what `reference` would add there."""
    return NormMatched(edit, reference)


class NormMatched:
    """An edit as large as another one, token by token, and so independent of the batch's other prompts.

    `mismatch` is what could not be matched so far: the mean of |norm - reference's norm|, as a share of the
    reference's mean norm, over the tokens that the reference changes. It is above 0 where the edit is silent.
    """

    def __init__(self, edit: Edit, reference: Edit) -> None:
        self.edit, self.reference = edit, reference
        self._missed = 0.0
        self._wanted = 0.0

    @property
    def mismatch(self) -> float:
        """The share of the reference's norm that is missing or too much, 0 before the first call."""
        return self._missed / self._wanted if self._wanted else 0.0

    def __call__(self, features: Tensor, real: Tensor) -> Tensor:
        """Features (batch, tokens, d), real (batch, tokens) -> edited features."""
        change = self.edit(features, real) - features
        wanted = (self.reference(features, real) - features).norm(dim=-1, keepdim=True)
        size = change.norm(dim=-1, keepdim=True)
        factor = torch.where(size > 0, wanted / size.clamp_min(torch.finfo(size.dtype).tiny), torch.zeros_like(size))
        matched = change * factor
        self._missed += float((matched.norm(dim=-1, keepdim=True) - wanted).abs().sum().detach())
        self._wanted += float(wanted.sum().detach())
        return torch.where(real[..., None], features + matched, features)


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
