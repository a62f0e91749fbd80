"""What a scheduler's noise levels are, and one step from any of them to the clean latents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler, FlowMatchEulerDiscreteScheduler, SCMScheduler
from torch import Tensor

from culturebench.errors import CultureBenchError

FLOW = "flow"
PREDICTIONS = ("epsilon", "v_prediction", "sample", FLOW)


class NoiseError(CultureBenchError):
    """A scheduler whose noise levels are not known."""


@dataclass(frozen=True)
class NoiseLevels:
    """Every level of noise that a denoiser was trained on, least first: x = signal * x0 + noise * e.

    `times`, `signal` and `noise` are (levels,); `predicts` says what the denoiser gives for x: one of `PREDICTIONS`.
    """

    times: Tensor  # as the denoiser is told them
    signal: Tensor
    noise: Tensor
    predicts: str
    scale: float = 1.0  # of what the pipeline itself hands to its scheduler, latents and prediction

    def noised(self, clean: Tensor, noise: Tensor, at: Tensor) -> Tensor:
        """Latents (b, ...) with the noise of the levels `at` (b,)."""
        return _over(self.signal, at, clean) * clean + _over(self.noise, at, clean) * noise

    def target(self, clean: Tensor, noise: Tensor, at: Tensor) -> Tensor:
        """What the denoiser should predict (b, ...) where `noise` is on the latents `clean` at the levels `at` (b,)."""
        if self.predicts == "epsilon":
            return noise
        if self.predicts == "v_prediction":
            return _over(self.signal, at, clean) * noise - _over(self.noise, at, clean) * clean
        return clean if self.predicts == "sample" else noise - clean

    def restored(self, noisy: Tensor, predicted: Tensor, at: Tensor) -> Tensor:
        """The estimate of x0 from the denoiser's prediction; all tensors but `at` (b,) are (b, ...)."""
        signal, noise = _over(self.signal, at, noisy), _over(self.noise, at, noisy)
        if self.predicts == "epsilon":  # Ho et al. 2020, equation 15
            return (noisy - noise * predicted) / signal
        if self.predicts == "v_prediction":  # Salimans & Ho 2022, appendix D
            return signal * noisy - noise * predicted
        return predicted if self.predicts == "sample" else noisy - noise * predicted  # flow: v = e - x0


def _over(values: Tensor, at: Tensor, like: Tensor) -> Tensor:
    return values.to(like.device)[at.to(like.device)].view(-1, *[1] * (like.dim() - 1))


def diffusion_levels(config: Mapping[str, Any]) -> NoiseLevels:
    """The levels of a variance-preserving diffusion, by the betas and the prediction type of its scheduler's config."""
    schedule: Any = DDPMScheduler.from_config(dict(config))
    kind = str(schedule.config.prediction_type)
    if kind not in PREDICTIONS or kind == FLOW:
        raise NoiseError(f"the scheduler's prediction_type is {kind}; known: {', '.join(PREDICTIONS[:-1])}")
    kept: Tensor = schedule.alphas_cumprod
    return NoiseLevels(torch.arange(len(kept)), kept.sqrt(), (1 - kept).sqrt(), kind)


def levels_of(scheduler: Any, tokens: int) -> NoiseLevels:
    """The levels of a scheduler of diffusers, for latents of `tokens` tokens, by which FLUX shifts its levels.

    `NoiseError` for a scheduler that is neither a diffusion's with betas, flow matching's Euler nor TrigFlow's.
    """
    if isinstance(scheduler, SCMScheduler):
        return _trigonometric_levels(scheduler.config)
    if isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        return _flow_levels(scheduler, tokens)
    if not hasattr(scheduler, "alphas_cumprod"):
        raise NoiseError(
            f"the noise levels of {type(scheduler).__name__} are not known; known are FlowMatchEulerDiscreteScheduler, "
            "SCMScheduler and schedulers with betas, such as EulerDiscreteScheduler"
        )
    return diffusion_levels(scheduler.config)


def _flow_levels(scheduler: Any, tokens: int) -> NoiseLevels:
    schedule: Any = type(scheduler).from_config(scheduler.config)
    count = int(schedule.config.num_train_timesteps)
    dynamic = {"mu": _shift(schedule.config, tokens)} if schedule.config.use_dynamic_shifting else {}
    schedule.set_timesteps(sigmas=np.linspace(1, 1 / count, count).tolist(), **dynamic)
    noise = schedule.sigmas[:-1].flip(0)
    return NoiseLevels(schedule.timesteps.flip(0), 1 - noise, noise, FLOW)


def _trigonometric_levels(config: Mapping[str, Any]) -> NoiseLevels:
    """Of x = cos(t) x0 + sin(t) e; the denoiser gives the velocity dx/dt (TrigFlow: Lu & Song 2024, section 3)."""
    count = int(config["num_train_timesteps"])
    times = torch.arange(1, count + 1) / count * (math.pi / 2)
    return NoiseLevels(times, times.cos(), times.sin(), "v_prediction", float(config["sigma_data"]))


def _shift(config: Mapping[str, Any], tokens: int) -> float:
    """How far a picture of `tokens` tokens shifts the levels (diffusers, pipeline_flux.calculate_shift)."""
    min_tokens, max_tokens = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    return low + (high - low) * (tokens - min_tokens) / (max_tokens - min_tokens)


class OneStep:
    """Stands in a pipeline where its scheduler was: one step, from noised latents to the estimate of the clean ones.

    `at` is the noise level of all rows, or one for each, which the pipeline hands on as it does a single one.
    """

    order = 1
    init_noise_sigma = 1.0

    def __init__(self, config: Mapping[str, Any], levels: NoiseLevels, at: int | Sequence[int]) -> None:
        self.config = config
        self.predicted: Tensor | None = None  # what the denoiser gave in that step
        self._levels = levels
        self._at = torch.tensor(at).view(-1)
        times = levels.times[self._at]
        self.timesteps = times if len(times) == 1 else times[None]
        self._until = self.timesteps.new_zeros(1 if config.get("prediction_type") == "trigflow" else 0)

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: Any = None,
        sigmas: Any = None,
        mu: Any = None,
        original_inference_steps: int | None = None,
        timesteps: Any = None,
        max_timesteps: float | None = None,
        intermediate_timesteps: float | None = None,
    ) -> None:
        """There is one, whatever is asked for; of TrigFlow's, the pipeline leaves out where the last step ends."""
        self.timesteps = torch.cat([self.timesteps, self._until]).to(device)

    def set_begin_index(self, begin_index: int = 0) -> None:
        """It is the only one."""

    def scale_model_input(self, sample: Tensor, timestep: Any = None) -> Tensor:
        """The sample: it is noised as the denoiser was trained."""
        return sample

    def step(
        self, model_output: Tensor, timestep: Any, sample: Tensor, return_dict: bool = True
    ) -> tuple[Tensor, Tensor]:
        """The estimate, in float32 at least: the next sample, and the clean one that consistency models ask for."""
        at = self._at.expand(len(sample))
        exact = torch.promote_types(sample.dtype, torch.float32)
        self.predicted = model_output.to(exact) / self._levels.scale
        clean = self._levels.restored(sample.to(exact), model_output.to(exact), at)
        return clean, clean
