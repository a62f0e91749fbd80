"""Training adapters through real pipelines, shrunk, and on the atlas: what moves, what is kept, what a kill costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import killed_training
import tiny_adapters
import tiny_pipelines
from culturebench.interventions.adapters.cultural_loss import Projection
from culturebench.interventions.adapters.training import AdapterTraining, Cultural, Lessons
from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.training import Batch, Pair
from culturebench.png import to_png
from culturebench.store import Store
from culturebench.text_to_image.noise import NoiseLevels

NUMBERS = tiny_adapters.TRAINING


@pytest.fixture(scope="module")
def task_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    return tiny_pipelines.denoisings_in(tmp_path_factory.mktemp("systems"))


def pairs(count: int, shade: int = 90) -> list[Pair]:
    return [
        Pair(["お椀", "a bowl"][number % 2], to_png(Image.new("RGB", (40, 40), (200, 40 * number, shade))))
        for number in range(count)
    ]


def start(
    task: Any, kind: str = "standard", preserve: float = 0.0, checkpoints: Checkpoints | None = None, **changed: Any
) -> AdapterTraining:
    concepts = tiny_adapters.concepts()
    gated, cultural = kind in ("gating", "k_style"), None
    if kind in ("csl", "k_style"):
        shape = task.latents(task.pixels([Image.new("RGB", (8, 8))])).shape[1:]
        projection = Projection(shape, 4, concepts.shape[1])
        cultural = Cultural(concepts, projection, projection)
    lessons = Lessons(pairs(4), pairs(4, shade=10) if preserve else (), preserve)
    numbers = NUMBERS.model_copy(update=changed)
    return AdapterTraining(
        task, tiny_adapters.untrained(task.denoiser, gated=gated), lessons, numbers, cultural, checkpoints
    )


def moved(training: AdapterTraining) -> AdapterTraining:
    with torch.no_grad():
        for up in training.lora.up:
            up.fill_(0.1)
    return training


@pytest.mark.parametrize("kind", ["standard", "k_style"])
def test_the_denoisers_own_loss_falls_and_no_other_weight_moves(kind: str, task_of: Callable[[str], Any]) -> None:
    task = task_of("sdxl")
    before = [weight.clone() for weight in task.denoiser.parameters()]
    training = start(task, kind, steps=6, log_every=6)
    training._batch = lambda rows: training._watched  # type: ignore[method-assign]  # the same noise again
    first, last = training.train()
    assert last["loss"] < first["loss"]
    assert all(torch.equal(a, b) for a, b in zip(before, task.denoiser.parameters(), strict=True))
    assert all(weight.grad is None for weight in task.denoiser.parameters())
    assert (last["gate"] is None) == (kind == "standard") == (last["cultural"] is None)


@pytest.mark.parametrize("name", ["altdiffusion_m18", "sdxl", "flux"])
def test_the_loss_is_that_of_the_schedulers_own_prediction_type(name: str, task_of: Callable[[str], Any]) -> None:
    """Whatever the denoiser predicts: its target restored is the clean picture."""
    task = task_of(name)
    training = start(task)
    batch = training._watched
    levels: NoiseLevels = task.noise_levels(batch.clean)
    target = levels.target(batch.clean, batch.noise, batch.times)
    noisy = levels.noised(batch.clean, batch.noise, batch.times)
    torch.testing.assert_close(levels.restored(noisy, target, batch.times), batch.clean, rtol=1e-3, atol=1e-3)
    with torch.no_grad():
        predicted = task.estimate(task.conditions(batch.prompts), batch.clean, batch.noise, batch.times).predicted
        assert float(training._loss(batch)) == pytest.approx(float((predicted - target).square().mean()), rel=1e-5)


@pytest.mark.parametrize("preserve", [0.0, 0.5])
def test_a_batch_of_four_is_four_batches_of_one_accumulated(
    preserve: float, task_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of("sdxl")
    monkeypatch.setattr(type(task), "rows_at_once", None)
    training = moved(start(task, "k_style", preserve, batch_size=4))
    batch = training._batch(training._drawn())
    whole = training._gradients(batch)
    parts = [training._gradients(batch.rows(row, row + 1)) for row in range(len(batch.prompts))]
    for one, *several in zip(whole, *parts, strict=True):
        torch.testing.assert_close(one, torch.stack(several).mean(dim=0), rtol=1e-3, atol=5e-6)


def test_what_is_preserved_is_the_frozen_models_own_prediction(task_of: Callable[[str], Any]) -> None:
    """At the start nothing differs; a LoRA that acts is drawn back, on others' pictures alone."""
    training = start(task_of("sdxl"), preserve=1.0)
    first = training._entry(0)
    assert first["kept"] == 0 < training._losses(training._watched).diffusion[0]
    assert (moved(training)._entry(1)["kept"] or 0) > 0
    kept = rows_of(training, kept=True)
    before = float(training._loss(kept))
    for _ in range(3):
        training._step(kept)
    assert float(training._loss(kept)) < before


def rows_of(training: AdapterTraining, *, kept: bool) -> Batch:
    watched, half = training._watched, len(training._watched.prompts) // 2
    return watched.rows(half, 2 * half) if kept else watched.rows(0, half)


def finished(task: Any, kind: str, root: Path, kill_after: int | None = None) -> tuple[Any, int]:
    """A training on the store `root`, to its end or killed."""
    kept = Checkpoints(Store(str(root)), {"what": "test"}, NUMBERS.checkpoint_every, NUMBERS.steps, "adapter_training")
    return killed_training.finished(start(task, kind, 0.5, kept), kill_after)


@pytest.mark.parametrize("kind", ["standard", "k_style"])
def test_a_training_killed_after_any_step_ends_with_the_same_bytes(
    kind: str, tmp_path: Path, task_of: Callable[[str], Any]
) -> None:
    task = task_of("sdxl")
    undisturbed, _ = finished(task, kind, tmp_path / "undisturbed")
    for kill_after in range(3):
        assert finished(task, kind, tmp_path / str(kill_after), kill_after) == (None, kill_after)
        found, taken = finished(task, kind, tmp_path / str(kill_after))
        assert found == undisturbed
        assert taken == 3 - kill_after // 2 * 2, "it goes on from the newest state that was kept"
