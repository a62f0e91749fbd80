"""What training an enhancer will cost, said before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from culturebench.planning.backbone import META, step_cost, twin_of, watch_cost
from culturebench.planning.cost import size_of
from culturebench.planning.gpus import UTILISATION, hours, recognised
from culturebench.planning.prices import Cost, training_cost
from culturebench.text_to_image.denoising import Denoising
from culturebench.text_to_image.pipeline_denoising import PipelineDenoising

if TYPE_CHECKING:
    from culturebench.params.train_enhancer import TrainEnhancer


def training_forecast(task: Denoising, layer: int, prompt: str, numbers: TrainEnhancer) -> str:
    """Operations and memory of a training as a few lines, with the time on a GPU that is known; estimates.

    The encoder is counted as it reads `prompt`; denoiser and autoencoder on the meta device, without computing.
    Empty for the atlas, which trains in minutes anywhere.
    """
    if not isinstance(task, PipelineDenoising):
        return ""
    read, condition = _reading(task, layer, prompt)
    twin = twin_of(task.system)
    plain = step_cost(twin, condition, numbers, checkpointing=False)
    saving = step_cost(twin, condition, numbers, checkpointing=True)
    used = saving if numbers.gradient_checkpointing else plain
    total = training_cost(used + read, watch_cost(twin, condition, numbers) + read, numbers)
    pipe = task.system.pipe
    weights = size_of([task.denoiser, pipe.vae, *task.system.towers])
    lines = [
        f"estimates for {numbers.steps} steps of {numbers.batch_size} at {task.size} px, {numbers.objective}:",
        f"  one picture of a step: {(used + read).flops / 1e12:.3g} TFLOP; all: {total.flops / 1e15:.3g} PFLOP",
        f"  memory: weights {weights / 1e9:.3g} GB, and {plain.peak / 1e9:.3g} GB of activations "
        f"({saving.peak / 1e9:.3g} GB with gradient checkpointing)",
    ]
    device = task.system.device
    gpu = recognised(torch.cuda.get_device_name(device)) if device.type == "cuda" else None
    if gpu:
        time = hours(total.flops, gpu)
        lines.append(f"  {gpu.name}: about {time:.2g} h at {UTILISATION:.0%} of its peak of {gpu.teraflops:g} TFLOP/s")
    return "\n".join(lines)


def _reading(task: PipelineDenoising, layer: int, prompt: str) -> tuple[Cost, Mapping[str, Tensor]]:
    """What one prompt costs in the towers, there and back to the layer, and its conditioning's shapes."""
    moved: list[Tensor] = []

    def edit(features: Tensor, _real: Tensor) -> Tensor:
        moved.append(torch.zeros_like(features, requires_grad=True))
        return features + moved[-1]

    with FlopCounterMode(display=False) as counter, task.encoder.edited(layer, edit):
        condition = task.conditions([prompt])
        sum(tensor.float().sum() for tensor in condition.values()).backward()  # type: ignore[union-attr]
    shapes = {name: tensor.detach().to(META) for name, tensor in condition.items()}
    return Cost(float(counter.get_total_flops())), shapes
