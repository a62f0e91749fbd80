"""LoRA by hooks: the identity at the start, peft's output afterwards, and nothing left behind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from peft import LoraConfig
from torch import Tensor, nn

import tiny_adapters
import tiny_pipelines
from culturebench import lora
from culturebench.interventions.adapters import files
from culturebench.interventions.adapters.load import adapted
from culturebench.interventions.adapters.sites import LINEARS, AdapterError, find_sites
from culturebench.interventions.edits import steer
from culturebench.png import to_png
from culturebench.text_to_image.base import Conditioning, EncoderEdit, Together
from culturebench.text_to_image.sampling import Painter, Shot

ADAPTED = ("altdiffusion_m18", "sdxl", "flux")


@pytest.fixture(scope="module")
def task_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    return tiny_pipelines.denoisings_in(tmp_path_factory.mktemp("systems"))


@torch.no_grad()
def given_by(task: Any, rows: int = 1) -> Tensor:
    """What the denoiser predicts for fixed latents."""
    random = torch.Generator().manual_seed(3)
    clean = task.latents(torch.rand(rows, 3, task.size, task.size, generator=random) * 2 - 1)
    noise = torch.randn(clean.shape, generator=random)
    condition = task.conditions(["お椀", "a bowl"][:rows])
    return task.estimate(condition, clean, noise, torch.tensor([500, 900][:rows])).predicted


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("name", ADAPTED)
def test_a_new_adapter_is_the_identity_bit_for_bit(name: str, gated: bool, task_of: Callable[[str], Any]) -> None:
    task = task_of(name)
    plain = given_by(task)
    with tiny_adapters.untrained(task.denoiser, gated=gated).attached(task.denoiser):
        assert torch.equal(given_by(task), plain)


@pytest.mark.parametrize("gated", [False, True])
def test_nothing_is_left_on_the_denoiser_also_after_an_exception(gated: bool, task_of: Callable[[str], Any]) -> None:
    task = task_of("sdxl")
    plain, weights = given_by(task), digest(task.denoiser)
    adapter = tiny_adapters.trained(task.denoiser, gated=gated)
    with adapter.attached(task.denoiser):
        assert not torch.equal(given_by(task), plain)
    with pytest.raises(KeyError), adapter.attached(task.denoiser):
        raise KeyError
    assert torch.equal(given_by(task), plain) and digest(task.denoiser) == weights
    assert not [m for m in task.denoiser.modules() if m._forward_hooks or m._forward_pre_hooks]


def digest(module: nn.Module) -> str:
    return hashlib.sha256(b"".join(one.numpy().tobytes() for one in module.state_dict().values())).hexdigest()


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_output_is_that_of_peft_to_the_last_bit(
    scale: float, task_of: Callable[[str], Any], tmp_path: Path
) -> None:
    task = task_of("sdxl")
    adapter = tiny_adapters.trained(task.denoiser, alpha=8.0)
    with adapter.attached(task.denoiser, scale):
        ours = given_by(task)
    with theirs_of(tmp_path, adapter, scale) as other:
        assert torch.equal(given_by(other), ours)


@contextmanager
def theirs_of(root: Path, adapter: Any, scale: float) -> Iterator[Any]:
    """A copy of the tiny SDXL whose UNet peft has put the same matrices into."""
    task: Any = tiny_pipelines.denoisings_in(root)("sdxl")
    config = LoraConfig(r=adapter.rank, lora_alpha=adapter.alpha, target_modules=list(LINEARS))
    task.denoiser.add_adapter(config)
    for index, site in enumerate(adapter.sites):
        layer = task.denoiser.get_submodule(site.name)
        with torch.no_grad():
            layer.lora_A["default"].weight.copy_(adapter.down[index])
            layer.lora_B["default"].weight.copy_(adapter.up[index])
    task.denoiser.set_adapters("default", scale)
    yield task


def test_a_file_opens_in_the_librarys_own_pipeline_and_gives_equal_pictures(
    task_of: Callable[[str], Any], tmp_path: Path
) -> None:
    task = task_of("sdxl")
    adapter = tiny_adapters.trained(task.denoiser, rank=4, alpha=2.0)
    files.save(adapter, tmp_path / "adapter", denoiser="unet")
    pipe: Any = StableDiffusionXLPipeline.from_pretrained(tiny_pipelines.written("sdxl", tmp_path))
    pipe.set_progress_bar_config(disable=True)
    plain = pictures(pipe)
    with lora(pipe, tmp_path / "adapter"):
        ours = pictures(pipe)
    assert torch.equal(pictures(pipe), plain) and not torch.equal(ours, plain)
    pipe.load_lora_weights(tmp_path / "adapter")
    torch.testing.assert_close(pictures(pipe), ours, rtol=0, atol=1e-5)
    pipe.unload_lora_weights()
    assert torch.equal(pictures(pipe), plain)


def pictures(pipe: Any) -> Tensor:
    made = pipe("a bowl", num_inference_steps=2, height=32, width=32, generator=torch.Generator().manual_seed(0),
                output_type="pt")  # fmt: skip
    return made.images


def test_a_gated_file_is_refused_there_and_opened_by_ours(task_of: Callable[[str], Any], tmp_path: Path) -> None:
    task = task_of("sdxl")
    adapter = tiny_adapters.trained(task.denoiser, gated=True)
    path = files.save(adapter, tmp_path / "adapter", denoiser="unet")
    pipe: Any = StableDiffusionXLPipeline.from_pretrained(tiny_pipelines.written("sdxl", tmp_path))
    with pytest.raises(ValueError, match="lora"):
        pipe.load_lora_weights(path.parent, weight_name=path.name)
    with adapter.attached(task.denoiser):
        ours = given_by(task)
    with files.load(path.parent).attached(task.denoiser):
        assert torch.equal(given_by(task), ours)


@pytest.mark.parametrize("gated", [False, True])
def test_equal_weights_give_equal_bytes_and_come_back(
    gated: bool, task_of: Callable[[str], Any], tmp_path: Path
) -> None:
    adapter = tiny_adapters.trained(task_of("sdxl").denoiser, gated=gated)
    first, second = (files.save(adapter, tmp_path / name, denoiser="unet") for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    for ours, theirs in zip(files.load(first.parent).parameters(), adapter.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_what_does_not_fit_is_one_error(task_of: Callable[[str], Any], tmp_path: Path) -> None:
    adapter = tiny_adapters.trained(task_of("sdxl").denoiser)
    other = task_of("flux").denoiser
    with pytest.raises(AdapterError, match="take the model that it was trained on"), adapter.attached(other):
        pass
    assert not [module for module in other.modules() if module._forward_hooks]
    with pytest.raises(AdapterError, match="run `dvc repro train_adapter`"):
        files.load(tmp_path)
    path = files.save(adapter, tmp_path, denoiser="unet")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(AdapterError, match="holds no usable adapter"):
        files.load(tmp_path)
    with pytest.raises(AdapterError, match=r"no attention of the kind"):
        find_sites(nn.Linear(2, 2), ["self"])


@pytest.mark.parametrize("gated", [False, True])
def test_a_pictures_neighbours_in_the_batch_change_nothing_of_it(gated: bool, task_of: Callable[[str], Any]) -> None:
    system = task_of("altdiffusion_m18").system
    both = system.encode(["b", "a"])
    with tiny_adapters.trained(system.denoiser, gated=gated).attached(system.denoiser):
        [alone], [_, among] = system.generate(both.rows([1]), [7]), system.generate(both, [3, 7])
    difference = np.asarray(alone).astype(int) - np.asarray(among).astype(int)
    assert np.abs(difference).max() <= 1  # of 255: float sums of a batch


def test_a_painter_makes_a_batch_under_one_adapter(task_of: Callable[[str], Any], tmp_path: Path) -> None:
    system = task_of("altdiffusion_m18").system
    files.save(tiny_adapters.trained(system.denoiser), tmp_path, denoiser="unet")
    done = adapted(tmp_path, 1.0)
    paint = Painter(system)
    plain, with_it, weak = (paint([Shot("a bowl", 0, one)]) for one in (None, done, adapted(tmp_path, 0.0)))
    assert with_it != plain and weak == plain
    with pytest.raises(AssertionError, match="one adapter"):
        paint([Shot("a bowl", 0, done), Shot("a bowl", 1)])


def test_an_edit_of_the_encoder_and_an_adapter_act_together_each_on_its_part(
    task_of: Callable[[str], Any], tmp_path: Path
) -> None:
    system = task_of("altdiffusion_m18").system
    trained = tiny_adapters.trained(system.denoiser)
    files.save(trained, tmp_path, denoiser="unet")
    adapter = adapted(tmp_path, 1.0)
    vectors = torch.randn(2, system.encoder.hidden_size, generator=torch.Generator().manual_seed(0)) * 3
    edits = [EncoderEdit(0, steer(vector.tolist(), 1.0), {"draw": draw}) for draw, vector in enumerate(vectors)]
    joint = Painter(system)([Shot("a bowl", seed, Together((edits[seed], adapter))) for seed in (0, 1)])
    rows: list[Tensor] = []
    for edit in edits:
        with system.encoder.edited(0, edit.edit):
            rows.append(system.encode(["a bowl"]).tensors["prompt_embeds"])
    with trained.attached(system.denoiser):
        wanted = system.generate(Conditioning({"prompt_embeds": torch.cat(rows)}), [0, 1])
    assert joint == [to_png(image) for image in wanted]
    for other in (edits[0], adapter, None):
        assert Painter(system)([Shot("a bowl", 0, other)]) != joint[:1]
