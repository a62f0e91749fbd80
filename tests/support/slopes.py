"""Whether a training's gradient is the slope of its loss."""

from __future__ import annotations

import torch

from culturebench.interventions.enhancer_training import EnhancerTraining

REACH = 2e-3  # how far the weights are moved along the gradient, to both sides


def norm_and_slope(training: EnhancerTraining, gain: float = 0.3) -> tuple[float, float]:
    """The norm of an enhancer's gradient, and the slope of its loss along that gradient; the weights end moved.

    `gain` is above 0, so that all weights get gradients.
    """
    with torch.no_grad():
        training.enhancer.gain.fill_(gain)
    found = training._gradients(training._watched)
    norm = float(sum(gradient.square().sum() for gradient in found) ** 0.5)
    weights = [weight.detach().clone() for weight in training.enhancer.parameters()]
    losses: list[float] = []
    for sign in (1, -1):
        with torch.no_grad():
            for weight, start, gradient in zip(training.enhancer.parameters(), weights, found, strict=True):
                weight.copy_(start + sign * REACH * gradient / norm)
        losses.append(training._watch(training._watched.prompts))
    return norm, (losses[0] - losses[1]) / (2 * REACH)
