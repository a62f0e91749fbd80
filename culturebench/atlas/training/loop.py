"""One training loop for all atlas models: resumable, seeded by the step, with a running average of the weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

LossOfStep = Callable[[int], Tensor]


def train(
    module: nn.Module,
    loss_of_step: LossOfStep,
    *,
    steps: int,
    rate: float,
    checkpoint: Path,
    ema_decay: float = 0.0,
    every: int = 100,
) -> None:
    """Train `module` in place; goes on from `checkpoint` where there is one.

    `loss_of_step(step)` draws its own batch from the step's number, so a resumed run sees the same batches.
    With `ema_decay` the module ends with its running average.
    """
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.99))
    average = {name: value.detach().clone() for name, value in module.state_dict().items()}
    start = _resume(module, optimizer, average, checkpoint)
    began = time.monotonic()
    losses: list[float] = []
    for step in range(start, steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * _schedule(step, steps)
        loss = loss_of_step(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        _update_average(average, module, min(ema_decay, step / (step + 20)))
        if (step + 1) % every == 0 or step + 1 == steps:
            pace = (step + 1 - start) / (time.monotonic() - began)
            left = (steps - step - 1) / pace / 60
            print(f"{checkpoint.stem} {step + 1}/{steps} loss {sum(losses) / len(losses):.4f} "
                  f"{pace:.2f} steps/s, {left:.1f} min left", flush=True)  # fmt: skip
            losses.clear()
            _save(module, optimizer, average, checkpoint, step + 1)
    if ema_decay:
        module.load_state_dict(average)


def _schedule(step: int, steps: int) -> float:
    warm_up = min(1.0, (step + 1) / 100)
    return warm_up * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _update_average(average: dict[str, Tensor], module: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - decay)
            else:
                average[name].copy_(value)


def _save(
    module: nn.Module, optimizer: torch.optim.Optimizer, average: dict[str, Tensor], path: Path, step: int
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [name for name, _ in module.named_parameters()]
    tensors = {f"module.{k}": v.contiguous().clone() for k, v in module.state_dict().items()}
    tensors |= {f"average.{k}": v.contiguous().clone() for k, v in average.items()}
    for name, state in zip(names, optimizer.state_dict()["state"].values(), strict=False):
        tensors |= {f"optimizer.{name}.{key}": v.contiguous().clone() for key, v in state.items()}
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, metadata={"step": str(step)})
    temporary.replace(path)


def _resume(module: nn.Module, optimizer: torch.optim.Optimizer, average: dict[str, Tensor], path: Path) -> int:
    if not path.exists():
        return 0
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    tensors = load_file(path)
    module.load_state_dict({k.removeprefix("module."): v for k, v in tensors.items() if k.startswith("module.")})
    for name in average:
        average[name].copy_(tensors[f"average.{name}"])
    for name, parameter in module.named_parameters():
        prefix = f"optimizer.{name}."
        state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        if state:
            optimizer.state[parameter] = state
    return step
