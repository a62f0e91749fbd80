"""Steps of an enhancer and of a LoRA, as the stages take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.gpu.systems import ROOT, Opened
from benchmarks.gpu.table import Row
from benchmarks.gpu.timing import Timed, as_a_stage, once
from culturebench.interventions.adapters.lora import Lora
from culturebench.interventions.adapters.sites import find_sites
from culturebench.interventions.adapters.training import AdapterTraining, Lessons
from culturebench.interventions.enhancer_training import EnhancerTraining
from culturebench.interventions.training import Pair, Training
from culturebench.params import load_document, load_section
from culturebench.params.train_adapter import TrainAdapter
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.png import to_png
from culturebench.text_to_image.denoising import denoising_of

WARM = 2  # steps
#: One picture a step, as the enhancer's paper has it; the rest is as in params.yaml.
ONE = {"batch_size": 1, "log_pairs": 2}


def pairs_of(prompts: Sequence[str], size: int) -> list[Pair]:
    """Prompts with references of random pixels."""
    dice = np.random.default_rng(0)
    return [
        Pair(prompt, to_png(Image.fromarray(dice.integers(0, 256, (size, size, 3), dtype=np.uint8))))
        for prompt in prompts
    ]


def enhancer(opened: Opened, pairs: Sequence[Pair]) -> Row:
    """Steps of an enhancer at the middle layer."""
    numbers = load_section(TrainEnhancer, load_document(ROOT / "params.yaml")).model_copy(update=ONE)
    return _row(
        f"enhancer, {numbers.objective}, {numbers.loss_space} loss",
        lambda: EnhancerTraining(denoising_of(opened.system), opened.layer, pairs, numbers),
        opened,
    )


def lora(opened: Opened, pairs: Sequence[Pair]) -> Row:
    """Steps of a LoRA of the denoiser's attention."""
    numbers = load_section(TrainAdapter, load_document(ROOT / "params.yaml")).model_copy(update=ONE)
    task = denoising_of(opened.system)
    sites = find_sites(task.denoiser, numbers.targets)
    adapter = Lora(sites, numbers.rank, numbers.alpha, None, numbers.seed)
    return _row(
        f"LoRA of rank {numbers.rank} at {len(sites)} layers",
        lambda: AdapterTraining(task, adapter, Lessons(pairs), numbers),
        opened,
    )


def _row(what: str, start: Callable[[], Training[Any]], opened: Opened) -> Row:
    training, timed = start(), Timed()

    def step() -> None:
        training._step(training._batch(training._drawn()))

    with as_a_stage():
        for _ in range(WARM):
            step()
        for _ in range(opened.scale.training_steps):
            once(step, opened.device, timed)
    how = f"{timed.spread}; {training.numbers.batch_size} picture a step"
    return Row(f"a step of the {what}", f"{timed.median:.3g} s", gigabytes=timed.gigabytes, how=how)
