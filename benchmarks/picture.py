"""What one atlas picture costs, part by part, and how near other samplers come to the exact one for their time.

`python -m benchmarks.picture` makes the same pictures from the same noise by `AtlasTextToImage` and by a loop around
diffusers' classes as they are loaded, each in turn, and prints CPU milliseconds a picture on one thread and their
ratio; then, for each sampler and number of steps, the time of a picture and the error of its pixels (0..255, root mean
square) against 200 steps: the median picture's and the ninth tenth's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import diffusers
import numpy as np
import torch
from torch import Tensor

from culturebench.atlas.captions import cultural_caption, noun_caption
from culturebench.atlas.training.cases import draw_scene
from culturebench.atlas.training.parts import WEIGHTS
from culturebench.atlas.world import REGIONS
from culturebench.png import to_png
from culturebench.text_to_image.atlas import AtlasTextToImage, to_images
from culturebench.text_to_image.base import Conditioning
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder

PICTURES, BATCH, ROUNDS, EXACT = 64, 16, 5, 200
SAMPLERS = {
    "DPM-Solver++ (order 2)": diffusers.DPMSolverMultistepScheduler,
    "DEIS (order 2)": diffusers.DEISMultistepScheduler,
    "UniPC (order 2)": diffusers.UniPCMultistepScheduler,
}


def prompts() -> list[str]:
    """A noun caption and a cultural one in turn, over all regions."""
    dice = np.random.default_rng(0)
    found: list[str] = []
    for region in (list(REGIONS) * PICTURES)[: PICTURES // 2]:
        scene, language = draw_scene(dice, region=region), REGIONS[region][0]
        found += [noun_caption(scene, language).text, cultural_caption(scene, language).text]
    return found


def milliseconds(work: Callable[[], object]) -> float:
    """CPU time of `work()` for one picture of a batch."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / BATCH * 1000


def sampled(system: AtlasTextToImage, kind: Any, steps: int, embeds: Tensor, noise: Tensor) -> Tensor:
    """The latents that a scheduler of diffusers makes of the noise."""
    scheduler = kind.from_config(system.scheduler_config)
    scheduler.set_timesteps(steps)
    latents = noise
    for step in scheduler.timesteps:
        latents = scheduler.step(system.unet(latents, step, embeds).sample, step, latents).prev_sample
    return latents


def plainly(unet: Any, vae: Any, system: AtlasTextToImage, embeds: Tensor, noise: Tensor) -> None:
    """A batch as one would first write it, by the same sampler."""
    scheduler: Any = diffusers.UniPCMultistepScheduler.from_config(system.scheduler_config)
    scheduler.set_timesteps(system.steps)
    latents = noise.contiguous()
    for step in scheduler.timesteps:
        latents = scheduler.step(unet(latents, step, embeds).sample, step, latents).prev_sample
    packed = torch.nn.functional.pixel_shuffle(latents, 2) / vae.config.scaling_factor
    for image in to_images(vae.decode(packed).sample):
        to_png(image)


def parts(system: AtlasTextToImage, embeds: Tensor, noise: Tensor) -> None:
    """Print the time of each part, and of the whole beside the plain loop."""
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(WEIGHTS / "backbone/unet", torch_dtype=torch.float32)
    vae: Any = diffusers.AutoencoderKL.from_pretrained(WEIGHTS / "backbone/vae", torch_dtype=torch.float32)
    images = to_images(system.decode(noise))
    step, some = torch.tensor(500), prompts()[:BATCH]
    work: dict[str, Callable[[], object]] = {
        "encoding its prompt": lambda: [system.encode([prompt]) for prompt in some],
        "one step of the UNet": lambda: system.unet(noise, step, embeds),
        "decoding": lambda: system.decode(noise),
        "PNG": lambda: [to_png(image) for image in images],
        "whole": lambda: [to_png(x) for x in system.generate(Conditioning({"prompt_embeds": embeds}), range(BATCH))],
        "plain": lambda: plainly(unet, vae, system, embeds, noise),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, one in work.items():
            times[name].append(milliseconds(one))
    found = {name: statistics.median(some) for name, some in times.items()}
    for name, took in found.items():
        print(f"{name:22s} {took:7.1f} ms a picture")
    print(f"ours costs {found['whole'] / found['plain']:.2f} of the plain loop")


def samplers(system: AtlasTextToImage, embeds: Tensor, noise: Tensor) -> None:
    """Print each sampler's error and time."""

    def pixels(kind: Any, steps: int) -> tuple[Tensor, float]:
        pairs = list(zip(embeds.split(BATCH), noise.split(BATCH), strict=True))
        latents: list[Tensor] = []
        times = [milliseconds(lambda pair=pair: latents.append(sampled(system, kind, steps, *pair))) for pair in pairs]
        return torch.cat([system.decode(some).clamp(-1, 1) for some in latents]), statistics.median(times)

    exact, _ = pixels(diffusers.DPMSolverMultistepScheduler, EXACT)
    for name, kind in SAMPLERS.items():
        for steps in (6, 8, 10, 12):
            made, took = pixels(kind, steps)
            errors = (made - exact).square().mean((1, 2, 3)).sqrt() * 127.5
            print(
                f"{name}, {steps:2d} steps: {took:5.1f} ms, error {errors.median():.2f}, {errors.quantile(0.9):.2f}",
                flush=True,
            )


@torch.no_grad()
def main() -> None:
    """Time the parts, then compare the samplers."""
    torch.set_num_threads(1)
    system = AtlasTextToImage.from_folders(AtlasTextEncoder.from_folder(WEIGHTS / "encoder"), WEIGHTS / "backbone")
    embeds = torch.cat([system.encode([prompt]).tensors["prompt_embeds"] for prompt in prompts()])
    seeds = [torch.randn(32, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(PICTURES)]
    noise = torch.stack(seeds).contiguous(memory_format=torch.channels_last)
    parts(system, embeds[:BATCH], noise[:BATCH])
    samplers(system, embeds, noise)


if __name__ == "__main__":
    main()
