"""What one atlas picture costs, part by part, and how near other samplers come to the exact one for their time.

`python -m benchmarks picture` makes the same pictures from the same noise by `AtlasTextToImage` and by a loop around
diffusers' classes as they are loaded. `python -m benchmarks.picture` prints, for each sampler and number of steps, the
CPU time of a picture and the error of its pixels (0..255, root mean square) against 200 steps: the median picture's and
the ninth tenth's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import diffusers
import numpy as np
import torch
from torch import Tensor

from benchmarks._ratios import Row, in_turns
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


def rows() -> Iterator[Row]:
    """The plain loop beside ours, and what of a picture's time each part takes."""
    system, embeds, noise = _opened()
    embeds, noise = embeds[:BATCH], noise[:BATCH]
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(WEIGHTS / "backbone/unet", torch_dtype=torch.float32)
    vae: Any = diffusers.AutoencoderKL.from_pretrained(WEIGHTS / "backbone/vae", torch_dtype=torch.float32)
    images = to_images(system.decode(noise))
    step, count = torch.tensor(500), system.steps
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: [to_png(x) for x in system.generate(Conditioning({"prompt_embeds": embeds}), range(BATCH))],
        "plain": lambda: plainly(unet, vae, system, embeds, noise),
        f"its {count} steps of the UNet": lambda: [system.unet(noise, step, embeds) for _ in range(count)],
        "its decoding": lambda: system.decode(noise),
        "its PNG": lambda: [to_png(image) for image in images],
    }
    with torch.no_grad():
        seconds = in_turns(ways, ROUNDS)
    found = {name: [one / BATCH for one in some] for name, some in seconds.items()}
    work = f"an atlas picture from an encoded prompt, batches of {BATCH}, one thread"
    peer = f"a loop around diffusers {diffusers.__version__}'s classes as they are loaded"
    yield Row(work, peer, found["ours"], found["plain"], note="the same sampler, steps and noise")
    for part in list(ways)[2:]:
        yield Row(work, f"of it {part}", found["ours"], found[part])


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


def _opened() -> tuple[AtlasTextToImage, Tensor, Tensor]:
    """The atlas's system, and encoded prompts and noise of `PICTURES` pictures."""
    torch.set_num_threads(1)
    system = AtlasTextToImage.from_folders(AtlasTextEncoder.from_folder(WEIGHTS / "encoder"), WEIGHTS / "backbone")
    with torch.no_grad():
        embeds = torch.cat([system.encode([prompt]).tensors["prompt_embeds"] for prompt in prompts()])
    seeds = [torch.randn(32, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(PICTURES)]
    return system, embeds, torch.stack(seeds).contiguous(memory_format=torch.channels_last)


if __name__ == "__main__":
    with torch.no_grad():
        samplers(*_opened())
