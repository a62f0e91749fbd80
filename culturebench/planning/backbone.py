"""What pictures and training steps of a system cost, counted on a copy of it that has shapes and no numbers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from culturebench.planning.cost import Cost, cost_of
from culturebench.text_to_image.adapters.pipeline import PipelineSystem
from culturebench.text_to_image.pipeline_denoising import PipelineDenoising

if TYPE_CHECKING:
    from culturebench.params.train_enhancer import TrainEnhancer

META = torch.device("meta")
#: Any level will do: they all cost the same.
LEVEL = 500


def twin_of(system: PipelineSystem) -> PipelineSystem:
    """The system without its towers, its denoiser and autoencoder on the meta device."""
    pipe = copy.copy(system.pipe)
    for name, part in system.pipe.components.items():
        if isinstance(part, nn.Module):
            setattr(pipe, name, None if name.startswith("text_encoder") else on_meta(part))
    negative = {name: tensor.to(META) for name, tensor in system.negative.items()}
    return replace(system, pipe=pipe, towers=[], negative=negative)


def on_meta(module: Any) -> Any:
    """A frozen module of the same class, config and precision."""
    return built(type(module), module.config, module.dtype)


def built(kind: Any, config: Mapping[str, Any], dtype: torch.dtype) -> Any:
    """A frozen module of a class of diffusers on the meta device."""
    with META:
        module = kind.from_config(dict(config)).eval().requires_grad_(False)
    return nn.Module.to(module, dtype)  # the class's own warns of what a trained checkpoint would lose


def picture_cost(twin: PipelineSystem, condition: Mapping[str, Tensor]) -> Cost:
    """One picture, from its conditioning (rows of one prompt, on the meta device) to pixels."""
    task = PipelineDenoising(twin)
    start = _latents(task)
    one = cost_of(torch.no_grad()(lambda: task.one_step(condition, start, LEVEL, guided=True)))
    return one * steps_of(twin) + cost_of(torch.no_grad()(lambda: task.decode(start)))


def watch_cost(twin: PipelineSystem, condition: Mapping[str, Tensor], numbers: TrainEnhancer) -> Cost:
    """The loss of one picture in an entry of the history."""
    task = PipelineDenoising(twin)
    start = _latents(task)
    passes = steps_of(twin) if numbers.objective == "sample_k" else 1
    guided = numbers.objective == "sample_k"
    one = cost_of(torch.no_grad()(lambda: task.one_step(condition, start, LEVEL, guided=guided))) * passes
    pixels = numbers.loss_space != "latent"
    return one + cost_of(torch.no_grad()(lambda: task.decode(start))) if pixels else one


def step_cost(
    twin: PipelineSystem, condition: Mapping[str, Tensor], numbers: TrainEnhancer, *, checkpointing: bool
) -> Cost:
    """One picture of one training step, from conditioning and latents to the gradients.

    The latents of references, which a training makes once, are not counted.
    """
    task = PipelineDenoising(twin)
    clean = _latents(task)
    if checkpointing:
        task.use_checkpointing()
    sampled = numbers.objective == "sample_k"
    last = min(numbers.last_steps, steps_of(twin)) if sampled else 1

    def work() -> None:
        made = clean
        given = {name: tensor.detach().requires_grad_() * 1 for name, tensor in condition.items()}
        for _ in range(last):
            made = task.one_step(given, made, LEVEL, guided=sampled).clean
        loss = task.decode(made).sum() if numbers.loss_space != "latent" else (made - clean).sum()
        loss.backward()

    cost = cost_of(work)
    for module in (task.denoiser, twin.pipe.vae) if checkpointing else ():
        module.disable_gradient_checkpointing()
    if sampled and last < steps_of(twin):
        start = _latents(task)
        one = cost_of(torch.no_grad()(lambda: task.one_step(condition, start, LEVEL, guided=True)))
        cost += one * (steps_of(twin) - last)
    return cost


def steps_of(system: PipelineSystem) -> int:
    """Sampling steps of a picture."""
    return int(system.settings["num_inference_steps"])


def _latents(task: PipelineDenoising) -> Tensor:
    return task.latents(torch.empty(1, 3, task.size, task.size, device=META))
