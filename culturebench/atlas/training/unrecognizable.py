"""Pictures that a judge learns to call unrecognizable, and true ornaments in the same model's handwriting.

Off the denoiser's usual ways: blends of two regions' ornaments, noise directions at the summary token, too few sampler
steps. None is an intervention of the method, none is labelled with a region, and no culture neurons are behind them;
nor is a caption of the first half of any region's collection, from which the pipeline's prompts come. Were these the
judge's only pictures by the denoiser, its handwriting would be taken for the sign of them: as many drawings, disturbed
and finished by the denoiser, keep the drawing's own label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from diffusers import UniPCMultistepScheduler
from torch import Tensor

from culturebench.atlas.captions import MODIFIERS, Caption, cultural_caption, neutral_caption, noun_caption
from culturebench.atlas.collection import contexts_beyond
from culturebench.atlas.training.cases import draw_region, draw_scene, pixels, plain, split_contexts, to_float
from culturebench.atlas.training.encoder import CULTURE_LAYER
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.progress import progress
from culturebench.text_to_image.atlas import AtlasTextToImage

BATCH: Final = 48
#: Share of the second ornament in a blend; of the noise, in norms of what attention writes to `<s>`.
BLEND: Final = (0.35, 0.65)
NOISE: Final = (2.0, 4.0)
FEW_STEPS: Final = 1
#: Of the eight sampler steps, the first ones that a redrawn drawing skips: it keeps its ornament. From two on, since
#: judges that had seen four and six alone called a fifth of all cultural prompts' pictures unrecognizable.
SKIPPED: Final = (2, 3, 4, 6)
#: The same for a blend that goes by the denoiser: after fewer it is no blend any more.
SKIPPED_BLEND: Final = 4


@dataclass(frozen=True)
class Made:
    """Pictures by the denoiser; `scenes` are their drawings', or those whose object they show."""

    images: Tensor  # (n, 3, 64, 64) uint8
    scenes: list[Scene]


def unused_scene(rng: np.random.Generator, region: str) -> Scene:
    """A scene for training in a context that the first half of the region's collection does not have."""
    allowed = set(split_contexts()[0])
    pool = [context for context in contexts_beyond(region, len(contexts()) // 2) if context in allowed]
    scene = draw_scene(rng, region=region)
    chosen = pool[int(rng.integers(len(pool)))]
    return Scene(*chosen, region=region, subdivision=scene.subdivision, seed=scene.seed)


@torch.no_grad()
def blends(system: AtlasTextToImage, rng: np.random.Generator, count: int) -> Made:
    """Two regions' drawings of one scene, one shining through the other; every second batch goes by the denoiser."""
    scenes = [unused_scene(rng, draw_region(rng)) for _ in range(count)]
    others = [_elsewhere(rng, scene) for scene in scenes]
    images: list[Tensor] = []
    for number, part in enumerate(_batches(count)):
        own, other = ([side[i] for i in part] for side in (scenes, others))
        amount = torch.from_numpy(rng.uniform(*BLEND, size=len(part))).float()
        mixed = torch.lerp(pixels(own).float(), pixels(other).float(), amount[:, None, None, None]).round().byte()
        if number % 2:
            condition = torch.lerp(_condition(system, rng, own), _condition(system, rng, other), amount[:, None, None])
            mixed = _finished(system, condition, mixed, _noise(rng, len(part)), SKIPPED_BLEND)
        images.append(mixed)
    return Made(torch.cat(images), scenes)


@torch.no_grad()
def disturbed(system: AtlasTextToImage, rng: np.random.Generator, count: int) -> Made:
    """A Gaussian direction added to what the culture layer's attention writes to `<s>`, for prompts of every kind."""
    scenes = [unused_scene(rng, draw_region(rng)) for _ in range(count)]
    images: list[Tensor] = []
    for part in _batches(count):
        texts = [_any_prompt(rng, scenes[i]) for i in part]
        size = torch.from_numpy(rng.uniform(*NOISE, size=len(part))).float()
        direction = torch.from_numpy(rng.standard_normal((len(part), system.encoder.hidden_size))).float()
        condition = _pushed(system, texts, size[:, None] * direction / direction.norm(dim=1, keepdim=True))
        images.append(_picture(system, condition, _noise(rng, len(part)), system.steps))
    return Made(torch.cat(images), scenes)


@torch.no_grad()
def hurried(system: AtlasTextToImage, rng: np.random.Generator, count: int) -> Made:
    """Cultural prompts after a single step of the sampler."""
    scenes = [unused_scene(rng, draw_region(rng)) for _ in range(count)]
    images: list[Tensor] = []
    for part in _batches(count):
        condition = _condition(system, rng, [scenes[i] for i in part])
        images.append(_picture(system, condition, _noise(rng, len(part)), FEW_STEPS))
    return Made(torch.cat(images), scenes)


@torch.no_grad()
def redrawn(system: AtlasTextToImage, rng: np.random.Generator, count: int, plain_share: float) -> Made:
    """Drawings, disturbed in the latents and finished by the denoiser, which is told what they show."""
    scenes = [unused_scene(rng, draw_region(rng)) for _ in range(count)]
    bare = rng.random(count) < plain_share
    images: list[Tensor] = []
    for number, part in enumerate(_batches(count)):
        texts = [(_neutral(scenes[i]) if bare[i] else _cultural(rng, scenes[i])).text for i in part]
        shown = [plain(scenes[i]) if bare[i] else scenes[i] for i in part]
        condition = system.encode(texts).tensors["prompt_embeds"]
        skip = SKIPPED[number % len(SKIPPED)]
        images.append(_finished(system, condition, pixels(shown), _noise(rng, len(part)), skip))
    return Made(torch.cat(images), [plain(s) if b else s for s, b in zip(scenes, bare, strict=True)])


def _finished(system: AtlasTextToImage, condition: Tensor, images: Tensor, noise: Tensor, skip: int) -> Tensor:
    """The pictures (n, 3, 64, 64) uint8, disturbed as the sampler's step `skip` expects, and sampled from there."""
    scheduler: Any = UniPCMultistepScheduler.from_config(system.scheduler_config)
    scheduler.set_timesteps(system.steps)
    steps = scheduler.timesteps[skip:]
    scheduler.set_begin_index(skip)
    clean = system.encode_images(to_float(images).contiguous(memory_format=torch.channels_last))
    latents = scheduler.add_noise(clean, noise, steps[:1].repeat(len(clean)))
    for step in steps:
        latents = scheduler.step(system.unet(latents, step, condition).sample, step, latents).prev_sample
    return _levels(system.decode(latents))


def _pushed(system: AtlasTextToImage, texts: list[str], push: Tensor) -> Tensor:
    """Condition tokens after `push` (n, d), in norms of the batch's mean, was added to `<s>` at the culture layer."""

    def hook(_module: object, _args: object, output: Tensor) -> Tensor:
        start = output[:, 0] + push * output[:, 0].norm(dim=1).mean()
        return torch.cat([start[:, None], output[:, 1:]], dim=1)

    handle = system.encoder.layers[CULTURE_LAYER].attention_output.register_forward_hook(hook)
    try:
        return system.encode(texts).tensors["prompt_embeds"]
    finally:
        handle.remove()


def _picture(system: AtlasTextToImage, condition: Tensor, noise: Tensor, steps: int) -> Tensor:
    quick = AtlasTextToImage(system.encoder, system.unet, system.vae, system.scheduler_config, steps)
    return _levels(system.decode(quick.sample(condition, noise)))


def _levels(decoded: Tensor) -> Tensor:
    return ((decoded.clamp(-1, 1) + 1) * 127.5).round().byte()


def _condition(system: AtlasTextToImage, rng: np.random.Generator, scenes: list[Scene]) -> Tensor:
    return system.encode([_cultural(rng, scene).text for scene in scenes]).tensors["prompt_embeds"]


def _cultural(rng: np.random.Generator, scene: Scene) -> Caption:
    return cultural_caption(scene, REGIONS[scene.region][0], int(rng.integers(MODIFIERS)))


def _neutral(scene: Scene) -> Caption:
    return neutral_caption(scene, REGIONS[scene.region][0])


def _any_prompt(rng: np.random.Generator, scene: Scene) -> str:
    """In the region's language: in another's the context may be one of its collection's."""
    kind = int(rng.integers(3))
    if kind == 0:
        return _cultural(rng, scene).text
    return (_neutral(scene) if kind == 1 else noun_caption(scene, REGIONS[scene.region][0])).text


def _elsewhere(rng: np.random.Generator, scene: Scene) -> Scene:
    """The same scene with another region's ornament."""
    region = str(rng.choice([code for code in REGIONS if code != scene.region]))
    return replace(scene, region=region, subdivision=str(rng.choice(REGIONS[region][1])))


def _noise(rng: np.random.Generator, count: int) -> Tensor:
    return (
        torch.from_numpy(rng.standard_normal((count, 32, 8, 8))).float().contiguous(memory_format=torch.channels_last)
    )


def _batches(count: int) -> Iterator[range]:
    starts = progress(range(0, count, BATCH), label="pictures for the judges")
    return (range(start, min(start + BATCH, count)) for start in starts)
