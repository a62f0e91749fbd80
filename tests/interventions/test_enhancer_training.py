"""Training an enhancer through real pipelines, shrunk: what moves, where gradients go, what a kill costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import killed_training
import tiny_pipelines
from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.enhancer_training import EnhancerTraining
from culturebench.interventions.references import References
from culturebench.interventions.training import Pair, TrainingError
from culturebench.png import to_png
from culturebench.store import Store
from culturebench.text_to_image.denoising import denoising_of
from slopes import norm_and_slope

RELATIVES = ("pea_diffusion", "sd15")  # of SDXL and AltDiffusion
SYSTEMS = [pytest.param(n, marks=pytest.mark.slow) if n in RELATIVES else n for n in tiny_pipelines.SYSTEMS]
NUMBERS = tiny_pipelines.TRAINING


@pytest.fixture(scope="module")
def task_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    return tiny_pipelines.denoisings_in(tmp_path_factory.mktemp("systems"))


def pictures(count: int) -> list[Pair]:
    return [
        Pair(["お椀", "a bowl"][number % 2], to_png(Image.new("RGB", (40, 40), (200, 40 * number, 90))))
        for number in range(count)
    ]


def train(task: Any, pairs: list[Pair], checkpoints: Checkpoints | None = None, **changed: Any) -> EnhancerTraining:
    return EnhancerTraining(task, 0, pairs, NUMBERS.model_copy(update=changed), checkpoints)


def moved(training: EnhancerTraining, gain: float = 0.3) -> EnhancerTraining:
    """With a gain above 0, so that all weights get gradients."""
    with torch.no_grad():
        training.enhancer.gain.fill_(gain)
    return training


def gradients(training: EnhancerTraining) -> list[torch.Tensor]:
    return training._gradients(training._watched)


@pytest.mark.parametrize("objective", ["denoise", "sample_k"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_the_loss_falls_on_one_reference(name: str, objective: str, task_of: Callable[[str], Any]) -> None:
    training = train(task_of(name), pictures(1) * 2, objective=objective, last_steps=tiny_pipelines.STEPS, steps=2)
    training._batch = lambda rows: training._watched  # type: ignore[method-assign]  # the same noise again
    first, last = training.train()
    assert first["residual"] == 0 < last["residual"]
    assert last["loss"] < first["loss"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_gradients_reach_the_enhancer_and_nothing_else(name: str, task_of: Callable[[str], Any]) -> None:
    task = task_of(name)
    train(task, pictures(2), steps=2).train()
    system = task.system
    parts = [*system.towers, *(part for part in system.pipe.components.values() if isinstance(part, torch.nn.Module))]
    assert all(weight.grad is None and not weight.requires_grad for part in parts for weight in part.parameters())
    assert not task.encoder.layers[0].attention_output._forward_hooks


@pytest.mark.parametrize(("objective", "space"), [("denoise", "latent"), ("denoise", "pixel"), ("sample_k", "latent")])
@pytest.mark.parametrize("name", ["altdiffusion_m18", "sdxl", "sd35_medium", "flux"])
def test_the_gradient_is_the_slope_of_the_loss(
    name: str, objective: str, space: str, task_of: Callable[[str], Any]
) -> None:
    """Along the gradient itself; sample_k goes back through all steps here, so that nothing of the slope is cut off."""
    training = train(task_of(name), pictures(2), objective=objective, loss_space=space, last_steps=tiny_pipelines.STEPS)
    norm, slope = norm_and_slope(training)
    assert slope == pytest.approx(norm, rel=0.03)


@pytest.mark.parametrize("objective", ["denoise", "sample_k"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_gradient_checkpointing_changes_no_gradient(
    name: str, objective: str, tmp_path: Path, task_of: Callable[[str], Any]
) -> None:
    plain = gradients(moved(train(task_of(name), pictures(2), objective=objective, loss_space="pixel")))
    own = denoising_of(tiny_pipelines.system_of(name, tmp_path, guidance=5.0))
    training = train(own, pictures(2), objective=objective, loss_space="pixel", gradient_checkpointing=True)
    assert training.task.denoiser.is_gradient_checkpointing  # type: ignore[attr-defined]
    for ours, theirs in zip(gradients(moved(training)), plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_mixed_precision_is_off_on_a_cpu_unless_asked_for(task_of: Callable[[str], Any]) -> None:
    losses = {}
    for how in ("auto", "off", "bfloat16"):
        training = moved(train(task_of("sdxl"), pictures(2), autocast=how))
        losses[how] = training._watch(training._watched.prompts)
        assert all(gradient.dtype == torch.float32 for gradient in gradients(training))
    assert losses["auto"] == losses["off"] != losses["bfloat16"]
    assert losses["bfloat16"] == pytest.approx(losses["off"], rel=0.1)


# ── checkpoints ─────────────────────────────────────────────────────────────────────────────────────────────────


def finished(task: Any, root: Path, kill_after: int | None = None, **changed: Any) -> tuple[Any, int]:
    """A training on the store `root`, to its end or killed."""
    numbers = {"steps": 3, "checkpoint_every": 2, "batch_size": 1, "log_every": 3, **changed}
    kept = Checkpoints(Store(str(root)), {"what": "test"}, numbers["checkpoint_every"], numbers["steps"])
    return killed_training.finished(train(task, pictures(4), kept, **numbers), kill_after)


@pytest.mark.parametrize("name", ["altdiffusion_m18", "flux"])
def test_a_training_killed_after_any_step_ends_with_the_same_bytes(
    name: str, tmp_path: Path, task_of: Callable[[str], Any]
) -> None:
    task = task_of(name)
    undisturbed, _ = finished(task, tmp_path / "undisturbed")
    for kill_after in range(3):
        assert finished(task, tmp_path / str(kill_after), kill_after) == (None, kill_after)
        found, taken = finished(task, tmp_path / str(kill_after))
        assert found == undisturbed
        assert taken == 3 - kill_after // 2 * 2, "it goes on from the newest state that was kept"


def test_a_finished_training_is_not_done_again_and_one_state_is_kept(
    tmp_path: Path, task_of: Callable[[str], Any]
) -> None:
    first, _ = finished(task_of("sdxl"), tmp_path)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    assert finished(task_of("sdxl"), tmp_path) == (first, 0)


def test_a_damaged_state_counts_as_absent(tmp_path: Path, task_of: Callable[[str], Any]) -> None:
    first, _ = finished(task_of("sdxl"), tmp_path)
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    kept.write_bytes(kept.read_bytes()[:-9])
    assert finished(task_of("sdxl"), tmp_path) == (first, 3)


def test_each_reference_is_encoded_once_and_what_is_trained_stays_the_same(
    task_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of("sdxl")
    numbers: dict[str, Any] = {"steps": 5, "batch_size": 2, "log_every": 5}
    encoded: list[int] = []
    latents = task.latents

    def counted(pixels: torch.Tensor) -> torch.Tensor:
        encoded.append(len(pixels))
        return latents(pixels)

    monkeypatch.setattr(task, "latents", counted)
    once, again = train(task, pictures(3), **numbers), train(task, pictures(3), **numbers)
    again._references = References(task, [pair.image for pair in again.pairs], room=0)
    del encoded[:]
    first, asked = once.train(), len(encoded)
    assert asked == 1, "two of three are watched from the start on"
    assert first == again.train() and len(encoded) == asked + 10
    for ours, theirs in zip(once.enhancer.parameters(), again.enhancer.parameters(), strict=True):
        assert torch.equal(ours, theirs)


# ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────


def full(task: Any, monkeypatch: pytest.MonkeyPatch, fits: Callable[[int], bool]) -> list[int]:
    """The rows of each pass through `task`, which is out of memory where they do not fit."""
    sizes: list[int] = []
    estimate = task.estimate

    def limited(condition: Any, clean: Any, *more: Any) -> Any:
        sizes.append(len(clean))
        if not fits(len(clean)):
            raise torch.OutOfMemoryError("full")
        return estimate(condition, clean, *more)

    monkeypatch.setattr(task, "estimate", limited)
    return sizes


def test_a_full_device_halves_the_batch_and_the_gradient_stays(
    task_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_of("sdxl")
    training = moved(train(task, pictures(4), log_pairs=4))
    whole = gradients(training)
    sizes = full(task, monkeypatch, lambda rows: rows <= 2)
    for ours, theirs in zip(gradients(training), whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-4)
    assert sizes == [4, 2, 2]
    assert "out of memory with 4 pictures at once; going on with 2" in capsys.readouterr().err


def test_without_room_for_one_picture_activations_are_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task: Any = denoising_of(tiny_pipelines.system_of("sdxl", tmp_path))
    training = train(task, pictures(2), steps=2)
    full(task, monkeypatch, lambda _: task.denoiser.is_gradient_checkpointing or not torch.is_grad_enabled())
    training.train()
    assert "going on with gradient checkpointing" in capsys.readouterr().err


@pytest.mark.parametrize("checkpointing", [None, False])
def test_a_device_that_is_too_small_is_one_error_with_what_to_set(
    checkpointing: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task: Any = denoising_of(tiny_pipelines.system_of("sdxl", tmp_path))
    training = train(task, pictures(2), gradient_checkpointing=checkpointing)
    full(task, monkeypatch, lambda _: not torch.is_grad_enabled())
    with pytest.raises(TrainingError, match=r"gradient_checkpointing: true, train_enhancer\.loss_space: latent"):
        training.train()
