"""What is laid out or compiled for speed makes the library's pictures, and hides nothing from edits and adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from pydantic import ValidationError

import tiny_pipelines
from culturebench.artifacts import pins
from culturebench.interventions.adapters.lora import Lora
from culturebench.interventions.adapters.sites import find_sites
from culturebench.params._encoder import Encoder
from culturebench.params.models import Model, ModelRuntime
from culturebench.text_to_image.adapters.compiled import CompileError
from culturebench.text_to_image.backbone_attention import BackboneAttentionError, looking
from culturebench.text_to_image.base import refuse_compiled
from culturebench.text_to_image.systems import identity_of

PROMPTS, SEEDS = ["青海波の椀 bowl", "a plain bowl"], [3, 4]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("systems")


@pytest.fixture(scope="module")
def compiled(root: Path) -> Any:
    torch.compiler.reset()
    return system(root, compile="eager")


def system(root: Path, **runtime: Any) -> Any:
    return tiny_pipelines.system_of("sd15", root, guidance=5.0, runtime=ModelRuntime(**runtime))


def pictures(system: Any) -> Any:
    return np.stack([np.asarray(one, dtype=np.float64) for one in system.generate(system.encode(PROMPTS), SEEDS)])


def librarys(root: Path) -> Any:
    pipe: Any = DiffusionPipeline.from_pretrained(tiny_pipelines.written("sd15", root), local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    noise = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    steps = tiny_pipelines.STEPS
    made = pipe(PROMPTS, num_inference_steps=steps, guidance_scale=5.0, height=32, width=32, generator=noise).images
    return np.stack([np.asarray(one, dtype=np.float64) for one in made])


def same(ours: Any, theirs: Any) -> None:
    """Equal to one of 255 levels, where a float sum may round to either side."""
    assert theirs.std() > 10, "a flat picture would equal anything"
    assert np.abs(ours - theirs).max() <= 1


def test_pictures_of_channels_last_weights_are_the_librarys(root: Path) -> None:
    laid_out = system(root, channels_last=True)
    for part in (laid_out.pipe.unet.conv_in, laid_out.pipe.vae.decoder.conv_in):
        assert part.weight.is_contiguous(memory_format=torch.channels_last)
    same(pictures(laid_out), librarys(root))


def test_pictures_of_a_compiled_denoiser_and_decoder_are_the_librarys(root: Path, compiled: Any) -> None:
    torch._dynamo.utils.counters.clear()
    same(pictures(compiled), librarys(root))
    assert torch._dynamo.utils.counters["frames"]["ok"] >= 2, "nothing was compiled"
    with pytest.raises(BackboneAttentionError, match="was compiled"), looking(compiled.denoiser):
        pass


def test_no_text_encoder_is_compiled_and_an_edit_acts(root: Path, compiled: Any) -> None:
    refuse_compiled(compiled.encoder)
    plain, before = system(root), pictures(compiled)
    ramp = torch.linspace(-3, 3, plain.encoder.hidden_size)
    edits = [one.encoder.edited(0, lambda features, _real: features + ramp) for one in (plain, compiled)]
    with edits[0], edits[1]:
        same(pictures(compiled), pictures(plain))
        assert np.abs(pictures(compiled) - before).max() > 2


def test_an_adapter_acts_on_a_compiled_denoiser_and_is_gone_after_it(root: Path, compiled: Any) -> None:
    """Compiled code would ignore its hooks: it has to run before any is there, and after."""
    plain, before = system(root), pictures(compiled)
    adapter = Lora(find_sites(plain.denoiser, ["self", "cross"]), rank=2, alpha=2)
    with torch.no_grad():
        for up in adapter.up:
            up.normal_(generator=torch.Generator().manual_seed(1))
    with adapter.attached(plain.denoiser), adapter.attached(compiled.denoiser):
        adapted = pictures(compiled)
        same(adapted, pictures(plain))
    assert np.abs(adapted - before).max() > 2
    assert np.array_equal(pictures(compiled), before)


def test_a_compiler_that_torch_does_not_know_is_one_error(root: Path) -> None:
    with pytest.raises(CompileError, match=r"runtime\.compile: inductr does not work here .*null always.*inductor"):
        system(root, compile="inductr")


@pytest.mark.parametrize("where", [{"offload": "model"}, {"device_map": "auto"}])
def test_a_denoiser_that_moves_is_not_compiled(where: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="`compile` takes a denoiser that stays on one device"):
        ModelRuntime.model_validate({"compile": "inductor", **where})


def test_what_pictures_are_stored_under_changes_with_what_is_set_alone(tmp_path: Path) -> None:
    for name in ("x", "y"):
        pins.save(tmp_path / f"{name}.json", pins.Pin(name, name, {"a": pins.PinnedFile(1, "0" * 64)}))
    encoders = {"l": Encoder(adapter="atlas", pin="x")}

    def identity(**runtime: Any) -> Any:
        model = Model(adapter="atlas", towers=["l"], pin="y", runtime=ModelRuntime(**runtime))
        return identity_of(model, encoders, tmp_path, 2)["model"]["runtime"]

    known = {"dtype", "device", "attention", "offload", "device_map", "vae", "bridge", "batch"}
    assert set(identity()) == known
    assert identity(channels_last=True) == {**identity(), "channels_last": True}
    assert identity(compile="inductor") == {**identity(), "compile": "inductor"}
