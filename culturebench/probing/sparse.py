"""The pass of a Top-K autoencoder whose gradients touch only the latents that fired.

One dense product is left, the encoder's: which latents are the largest cannot be known without it. Decoding
and all gradients are sums of `k` weighted rows per token (forward) or of the tokens of a latent (backward).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, linear

from culturebench.probing.sae import TopKSAE


@dataclass(frozen=True)
class SparsePass:
    """What `sparse_pass` gives: the reconstruction (batch, d), and the k latents of each vector (batch, k)."""

    reconstruction: Tensor
    values: Tensor  # without gradient
    indices: Tensor


def sparse_pass(sae: TopKSAE, features: Tensor) -> SparsePass:
    """Encode and decode features (batch, d); equal to `sae(features)`, with sparse gradients."""
    parameters = (sae.encoder, sae.encoder_bias, sae.decoder, sae.decoder_bias)
    return SparsePass(*_Autoencode.apply(features, *parameters, sae.k))  # type: ignore[misc]


class _Autoencode(torch.autograd.Function):
    """`features` themselves get no gradient."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, encoder: Tensor, bias: Tensor, decoder: Tensor, decoder_bias: Tensor, k: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        centred = features - decoder_bias
        values, indices = linear(centred, encoder, bias).topk(k, dim=-1, sorted=False)
        values = values.relu_()
        # Its graph is kept for the gradient of `values`; the decoder's own is cheaper by latent, below.
        with torch.enable_grad():
            weights = values.detach().requires_grad_()
            decoded = embedding_bag(indices, decoder.detach(), per_sample_weights=weights, mode="sum")
        ctx.weights, ctx.decoded = weights, decoded
        ctx.save_for_backward(centred, encoder, indices)
        ctx.mark_non_differentiable(values, indices)
        return decoded.detach() + decoder_bias, values, indices

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradients[0].contiguous()
        centred, encoder, indices = ctx.saved_tensors
        values = ctx.weights.detach()
        (through,) = torch.autograd.grad(ctx.decoded, ctx.weights, gradient)
        through = torch.where(values > 0, through, 0.0)  # the ReLU
        order, tokens, starts = _by_latent(indices, len(encoder))

        def summed(rows: Tensor, weights: Tensor) -> Tensor:
            """For each latent, its tokens' rows weighted and added: (batch, n) -> (latents, n)."""
            return embedding_bag(tokens, rows, starts, per_sample_weights=weights.flatten()[order], mode="sum")

        of_bias = summed(torch.ones_like(gradient[:, :1]), through)[:, 0]
        of_centre = gradient.sum(dim=0) - of_bias @ encoder
        return None, summed(centred, through), of_bias, summed(gradient, values), of_centre, None


def _by_latent(indices: Tensor, latents: int) -> tuple[Tensor, Tensor, Tensor]:
    """Entries of `indices` (batch, k) in the order of their latents, each one's token, where each latent starts."""
    order = torch.argsort(indices.flatten(), stable=True)
    counts = torch.bincount(indices.flatten(), minlength=latents)
    return order, torch.div(order, indices.shape[1], rounding_mode="floor"), counts.cumsum(0) - counts
