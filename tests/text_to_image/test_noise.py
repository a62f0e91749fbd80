"""Noise levels and the one step from them: what the library's schedulers say of the same latents."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from culturebench.text_to_image.noise import NoiseError, levels_of

BETAS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}
TOKENS = 1024


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clean latents, noise, and what a denoiser might predict."""
    random = torch.Generator().manual_seed(0)
    clean, noise, predicted = (torch.randn(1, 4, 8, 8, generator=random) for _ in range(3))
    return clean, noise, predicted


def same(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("at", [1, 300, 999])
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_a_diffusions_levels_are_those_of_ddpm(kind: Any, at: int) -> None:
    scheduler: Any = diffusers.DDPMScheduler(**BETAS, prediction_type=kind, clip_sample=False)
    levels = levels_of(scheduler, TOKENS)
    clean, noise, predicted = batch()
    when = torch.tensor([at])
    noisy = levels.noised(clean, noise, when)
    same(noisy, scheduler.add_noise(clean, noise, when))
    theirs: Any = scheduler.step(predicted, at, noisy)
    torch.testing.assert_close(levels.restored(noisy, predicted, when), theirs.pred_original_sample)


def test_trigflows_levels_are_those_of_its_consistency_scheduler() -> None:
    scheduler = diffusers.SCMScheduler()
    scheduler.set_timesteps(2, max_timesteps=None, intermediate_timesteps=None, timesteps=[1.5707963, 0.7853982, 0.0])
    levels = levels_of(scheduler, TOKENS)
    clean, noise, _ = batch()
    at = torch.tensor([499])
    torch.testing.assert_close(levels.times[at], scheduler.timesteps[1:2])
    noisy, right = levels.noised(clean, noise, at), levels.target(clean, noise, at)
    scheduler.set_begin_index(1)
    theirs: Any = scheduler.step(right, scheduler.timesteps[1], noisy)
    same(theirs.pred_original_sample, clean)
    same(levels.restored(noisy, right, at), clean)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_eulers_scheduler_sees_the_same_clean_latents_in_its_own_scale(kind: Any) -> None:
    scheduler: Any = diffusers.EulerDiscreteScheduler(**BETAS, prediction_type=kind, timestep_spacing="trailing")
    levels = levels_of(scheduler, TOKENS)
    scheduler.set_timesteps(1000)
    clean, noise, predicted = batch()
    index = 400
    at = scheduler.timesteps[index].long().view(1)
    noisy = levels.noised(clean, noise, at)
    sigma = scheduler.sigmas[index]
    theirs: Any = scheduler.step(predicted, scheduler.timesteps[index], noisy * (1 + sigma**2).sqrt())
    same(levels.restored(noisy, predicted, at), theirs.pred_original_sample)


@pytest.mark.parametrize("settings", [{"shift": 3.0}, {"shift": 3.0, "use_dynamic_shifting": True}])
@pytest.mark.parametrize("at", [0, 500, 999])
def test_flow_matching_goes_straight_to_the_end_as_its_scheduler_does(settings: dict[str, Any], at: int) -> None:
    scheduler: Any = diffusers.FlowMatchEulerDiscreteScheduler(**settings)
    levels = levels_of(scheduler, TOKENS)
    clean, noise, predicted = batch()
    when = torch.tensor([at])
    mu = {"mu": calculate_shift(TOKENS)} if "use_dynamic_shifting" in settings else {}
    scheduler.set_timesteps(sigmas=[(at + 1) / 1000], **mu)
    noisy = levels.noised(clean, noise, when)
    assert float(levels.times[at]) == pytest.approx(float(scheduler.timesteps[0]), rel=1e-5)
    same(noisy, scheduler.scale_noise(clean, scheduler.timesteps, noise))
    theirs: Any = scheduler.step(predicted, scheduler.timesteps[0], noisy)
    same(levels.restored(noisy, predicted, when), theirs.prev_sample)


def test_levels_rise_from_the_least_noise_to_the_most() -> None:
    for scheduler in (diffusers.DDPMScheduler(**BETAS), diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)):
        levels = levels_of(scheduler, TOKENS)
        assert len(levels.times) == 1000
        assert bool((levels.noise.diff() > 0).all())
        assert bool((levels.times.float().diff() > 0).all())


def test_a_scheduler_of_another_kind_is_refused() -> None:
    with pytest.raises(NoiseError, match="EDMEulerScheduler are not known; known are FlowMatchEuler"):
        levels_of(diffusers.EDMEulerScheduler(), TOKENS)
    with pytest.raises(NoiseError, match="prediction_type is flow_prediction; known: epsilon"):
        levels_of(diffusers.DPMSolverMultistepScheduler(prediction_type="flow_prediction"), TOKENS)
