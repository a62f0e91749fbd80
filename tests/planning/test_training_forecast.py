"""What is said before an enhancer trains, against what a real step of the shrunken pipelines does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

import tiny_pipelines
from culturebench.interventions.enhancer_training import EnhancerTraining
from culturebench.interventions.training import Pair
from culturebench.planning.training import training_forecast
from culturebench.png import to_png

NUMBERS = tiny_pipelines.TRAINING.model_copy(
    update={"width": 1, "loss_space": "pixel", "batch_size": 1, "autocast": "off", "gradient_checkpointing": False}
)


@pytest.fixture(scope="module")
def task_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    return tiny_pipelines.denoisings_in(tmp_path_factory.mktemp("systems"))


@pytest.mark.parametrize(("name", "objective"), [("sdxl", "denoise"), ("flux", "sample_k")])
def test_the_forecast_counts_the_operations_of_a_real_step(
    name: str, objective: str, task_of: Callable[[str], Any]
) -> None:
    task = task_of(name)
    numbers = NUMBERS.model_copy(update={"objective": objective})
    said = training_forecast(task, 0, "お椀", numbers)
    told = re.search(r"one picture of a step: (\S+) TFLOP; all: (\S+) PFLOP", said)
    assert told is not None
    picture = to_png(Image.new("RGB", (40, 40), (200, 40, 90)))
    training = EnhancerTraining(task, 0, [Pair("お椀", picture)] * 2, numbers, None)
    with torch.no_grad():
        training.enhancer.gain.fill_(0.3)
    with FlopCounterMode(display=False) as counter:
        training._gradients(training._batch([0, 1]))
    # two pictures, from their latents to the gradients; the enhancer itself and the cut of a prompt's length are small
    assert float(told[1]) * 1e12 == pytest.approx(counter.get_total_flops() / 2, rel=0.05)
    assert float(told[2]) * 1e15 > 4 * float(told[1]) * 1e12, "the history's entries cost as well"
