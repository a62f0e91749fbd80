"""Gradients through every system's pipeline: its own steps, its own latents, its own pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import tiny_pipelines
from culturebench.text_to_image.denoising import denoising_of
from culturebench.text_to_image.noise import levels_of
from culturebench.text_to_image.pipeline_denoising import PipelineDenoising, PipelineDenoisingError

PROMPTS = ["青海波の椀 bowl", "a plain bowl"]
AT = [400, 900]


@pytest.fixture(scope="module")
def task_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], PipelineDenoising]:
    return tiny_pipelines.denoisings_in(tmp_path_factory.mktemp("systems"))


def batch(task: PipelineDenoising) -> tuple[Tensor, Tensor, Tensor]:
    """Clean latents of two pictures, noise, and levels."""
    random = torch.Generator().manual_seed(1)
    clean = task.latents(torch.rand(2, 3, task.size, task.size, generator=random) * 2 - 1)
    return clean, torch.randn(clean.shape, generator=random), torch.tensor(AT)


def by_hand(name: str, task: PipelineDenoising, condition: dict[str, Tensor], noisy: Tensor, times: Tensor) -> Tensor:
    """The denoiser called with what its class asks for, all rows at once."""
    embeds, rows = condition["prompt_embeds"], len(noisy)
    if name in ("altdiffusion_m18", "sd15"):
        return task.denoiser(noisy, times, encoder_hidden_states=embeds).sample
    pooled = condition["pooled_prompt_embeds"]
    if name in ("sdxl", "pea_diffusion"):
        size = torch.tensor([[task.size, task.size, 0, 0, task.size, task.size]]).float().expand(rows, -1)
        added = {"text_embeds": pooled, "time_ids": size}
        return task.denoiser(noisy, times, encoder_hidden_states=embeds, added_cond_kwargs=added).sample
    if name == "sd35_medium":
        return task.denoiser(noisy, embeds, pooled, times).sample
    side = int(noisy.shape[1] ** 0.5)
    places = torch.cartesian_prod(torch.arange(1), torch.arange(side), torch.arange(side)).float()
    return task.denoiser(
        noisy, embeds, pooled, times / 1000, places, torch.zeros(embeds.shape[1], 3),
        guidance=torch.full([rows], 5.0),
    ).sample  # fmt: skip


@pytest.mark.parametrize("name", tiny_pipelines.SYSTEMS)
def test_the_one_step_estimate_is_that_of_the_denoiser_called_by_hand(
    name: str, task_of: Callable[[str], PipelineDenoising]
) -> None:
    task = task_of(name)
    clean, noise, times = batch(task)
    levels = levels_of(task.system.pipe.scheduler, tokens=4)
    with torch.no_grad():
        condition = task.conditions(PROMPTS)
        noisy = levels.noised(clean, noise, times)
        predicted = by_hand(name, task, condition, noisy, levels.times[times])
        found, told = task.estimate(condition, clean, noise, times)
    torch.testing.assert_close(found, levels.restored(noisy, predicted, times), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(told, predicted, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, clean, atol=1e-2)


@pytest.mark.parametrize("name", tiny_pipelines.SYSTEMS)
def test_sampling_with_gradients_is_the_pipelines_own_sampling(
    name: str, task_of: Callable[[str], PipelineDenoising]
) -> None:
    task = task_of(name)
    _, noise, _ = batch(task)
    condition = {key: tensor.detach() for key, tensor in task.conditions(PROMPTS).items()}
    system = task.system
    given = system.arguments(condition, guided=True)
    theirs = system.pipe(**given, **system.settings, latents=noise, output_type="latent").images
    for last in (0, 1, tiny_pipelines.STEPS):
        inputs = {key: tensor.clone().requires_grad_() for key, tensor in condition.items()}
        ours = task.sample(inputs, noise, last)
        assert torch.equal(ours.detach(), theirs)
        assert ours.requires_grad == (last > 0)
    assert not task.denoiser._forward_hooks and not task.denoiser._forward_pre_hooks
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("name", ["sdxl", "flux"])
def test_an_exception_while_sampling_leaves_nothing_behind(
    name: str, task_of: Callable[[str], PipelineDenoising], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(name)
    _, noise, _ = batch(task)
    scheduler = task.system.pipe.scheduler

    def fail(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(scheduler), "step", fail)
    with pytest.raises(KeyboardInterrupt):
        task.sample(task.conditions(PROMPTS), noise, 1)
    assert task.system.pipe.scheduler is scheduler
    assert not task.denoiser._forward_hooks and not task.denoiser._forward_pre_hooks
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("name", tiny_pipelines.SYSTEMS)
def test_latents_become_the_pipelines_own_pictures(name: str, task_of: Callable[[str], PipelineDenoising]) -> None:
    task = task_of(name)
    _, noise, _ = batch(task)
    system = task.system
    with torch.no_grad():
        given = system.arguments(task.conditions(PROMPTS), guided=True)
        theirs = system.pipe(**given, **system.settings, latents=noise, output_type="pt").images
        ours = task.decode(task.sample(task.conditions(PROMPTS), noise, 0))
    torch.testing.assert_close((ours / 2 + 0.5).clamp(0, 1), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["sdxl", "sd35_medium", "flux"])
def test_latents_of_pixels_are_the_mode_scaled_and_packed(
    name: str, task_of: Callable[[str], PipelineDenoising]
) -> None:
    task = task_of(name)
    vae = task.system.pipe.vae
    pixels = task.pixels([Image.effect_noise((48, 32), 90).convert("RGB")])
    assert pixels.shape == (1, 3, 32, 32), "the middle square"
    found = task.latents(pixels)
    plain = vae.encode(pixels).latent_dist.mode()
    wanted = (plain - (vae.config.shift_factor or 0)) * vae.config.scaling_factor
    if name == "flux":
        found = task.system.pipe._unpack_latents(found, 32, 32, task.system.pipe.vae_scale_factor)
    torch.testing.assert_close(found, wanted)


def test_weights_that_wait_on_the_cpu_are_refused(
    task_of: Callable[[str], PipelineDenoising], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = task_of("sdxl").system
    monkeypatch.setattr(system.pipe, "_offload_device", torch.device("cpu"), raising=False)
    with pytest.raises(PipelineDenoisingError, match=r"set models\.\*\.runtime\.offload: none"):
        denoising_of(system)
