"""Culture neurons in plain diffusers code: what the library's own pipelines make under an edit."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache, partial
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline

import layouts
import sd15
from culturebench.interventions import enhancer as enhancers
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.edits import EditError, amplify as amplify_features, steer as add_direction
from culturebench.interventions.enhancer import Enhancer
from culturebench.interventions.neurons import NeuronsError
from culturebench.interventions.pipelines import (
    Neurons,
    PipelineError,
    activate,
    amplify,
    enhance,
    load_neurons,
    mask,
    steer,
)
from culturebench.probing import sae as saes
from culturebench.text_to_image.base import HookError
from documents import blocks
from import_graph import ROOT
from tower_neurons import OF, encoder_of, write_neurons

PROMPTS = ["青海波の椀 bowl", "a plain bowl"]
REGIONS = ROOT / "annotations/regions"
#: Pipeline -> towers.
TOWERS = {
    "sd15": ["text_encoder"],
    "sdxl": ["text_encoder", "text_encoder_2"],
    "sd35_medium": ["text_encoder", "text_encoder_2", "text_encoder_3"],
    "flux": ["text_encoder", "text_encoder_2"],
}
CASES = [(name, tower) for name, towers in TOWERS.items() for tower in towers]


@pytest.fixture(scope="module")
def pipe_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """The library's own pipeline of a layout; the tests hold that nothing changes it."""
    root = tmp_path_factory.mktemp("layouts")

    @cache
    def loaded(name: str) -> Any:
        write = sd15.write if name == "sd15" else partial(layouts.write, name)
        pipe: Any = DiffusionPipeline.from_pretrained(write(root / name), use_safetensors=True)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    return loaded


@pytest.fixture
def neurons_of(tmp_path: Path) -> Callable[..., Neurons]:
    """Neurons as if they had been found in a tower."""

    def made(pipe: Any, tower: str) -> Neurons:
        return load_neurons(write_neurons(tmp_path, encoder_of(pipe, tower).hidden_size), REGIONS)

    return made


def make(pipe: Any, prompts: str | list[str], negative: str | None = "ugly", **more: Any) -> Any:
    """Latents of one step, under guidance with a negative prompt."""
    if isinstance(prompts, list) and negative is not None:
        more["negative_prompt"] = [negative] * len(prompts)
    elif negative is not None:
        more["negative_prompt"] = negative
    flux = issubclass(type(pipe), diffusers.FluxPipeline)
    guidance = {"true_cfg_scale": 5.0, "max_sequence_length": 32} if flux else {"guidance_scale": 5.0}
    guidance |= {"max_sequence_length": 32} if issubclass(type(pipe), diffusers.StableDiffusion3Pipeline) else {}
    size = {"height": 32, "width": 32, "num_inference_steps": 1, "output_type": "np"}
    noise = torch.Generator().manual_seed(0)

    return pipe(prompts, **size, **guidance, **more, generator=noise).images


def states(pipe: Any, tower: str, prompts: str | list[str], **more: Any) -> list[torch.Tensor]:
    """What the tower gave for the prompt and for the negative one while pictures were made."""
    seen: list[torch.Tensor] = []
    handle = getattr(pipe, tower).register_forward_hook(lambda _m, _a, out: seen.append(out.last_hidden_state.clone()))
    try:
        make(pipe, prompts, **more)
    finally:
        handle.remove()
    return seen


def hooks(pipe: Any) -> int:
    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for part in parts for module in part.modules()
    )


@pytest.mark.parametrize(("name", "tower"), CASES)
def test_the_prompt_is_read_under_the_edit_and_the_negative_prompt_as_ever(
    name: str, tower: str, pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of(name)
    neurons = neurons_of(pipe, tower)
    plain = states(pipe, tower, PROMPTS)
    with amplify(pipe, neurons, region="jp", strength=7, tower=tower):
        prompt, negative = states(pipe, tower, PROMPTS)
    assert torch.equal(negative, plain[1])
    encoder = encoder_of(pipe, tower)
    encoder.max_tokens = prompt.shape[1]
    with encoder.edited(0, amplify_features(saes.load(neurons.culture.folders[0]), OF["jp"], 7)), torch.no_grad():
        wanted = encoder.run(encoder.tokenize_full(PROMPTS))["last"]
    torch.testing.assert_close(prompt, wanted, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(prompt, plain[0], atol=1e-2)


@pytest.mark.parametrize(("name", "tower"), CASES)
def test_strength_0_changes_no_bit_and_nothing_is_left_behind(
    name: str, tower: str, pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of(name)
    neurons, kind, plain = neurons_of(pipe, tower), type(pipe), make(pipe, PROMPTS)
    before = hooks(pipe)  # the library hangs its own into a tower with the first pass
    with amplify(pipe, neurons, region="jp", strength=0, tower=tower):
        assert np.array_equal(make(pipe, PROMPTS), plain)
    with amplify(pipe, neurons, region="jp", strength=7, tower=tower):
        assert not np.array_equal(make(pipe, PROMPTS), plain)
    assert type(pipe) is kind
    assert hooks(pipe) == before
    assert np.array_equal(make(pipe, PROMPTS), plain)


def test_a_prompt_alone_reads_as_in_a_batch_and_several_pictures_of_it_share_it(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("sd15")
    with activate(pipe, neurons_of(pipe, "text_encoder"), region="jp", strength=2):
        both, alone = (states(pipe, "text_encoder", prompts)[0] for prompts in (PROMPTS, PROMPTS[0]))
        assert len(make(pipe, PROMPTS, num_images_per_prompt=2)) == 4
    torch.testing.assert_close(both[:1], alone, atol=1e-5, rtol=1e-4)


def test_without_guidance_and_without_a_negative_prompt_the_prompt_is_edited_too(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("flux")
    neurons = neurons_of(pipe, "text_encoder_2")
    plain = make(pipe, "a bowl", None)
    with mask(pipe, neurons, region="jp", tower="text_encoder_2"):
        first, second = make(pipe, "a bowl", None), make(pipe, "a bowl", None)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, plain)


def test_each_prompt_of_a_batch_gets_the_neurons_of_its_own_language(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("sdxl")
    neurons, prompts = neurons_of(pipe, "text_encoder"), ["お椀", "een huis met een tuin"]
    with amplify(pipe, neurons, strength=7, tower="text_encoder"):
        found = states(pipe, "text_encoder", prompts)[0]
    for row, region in enumerate(("jp", "nl")):
        with amplify(pipe, neurons, region=region, strength=7, tower="text_encoder"):
            assert torch.equal(states(pipe, "text_encoder", prompts)[0][row], found[row])


def test_edits_of_two_towers_and_of_one_tower_go_together(pipe_of: Callable[[str], Any], tmp_path: Path) -> None:
    pipe = pipe_of("sdxl")
    first, second = (
        load_neurons(write_neurons(tmp_path / tower, encoder_of(pipe, tower).hidden_size)) for tower in TOWERS["sdxl"]
    )
    with amplify(pipe, first, "jp", 7, tower="text_encoder"):
        alone = states(pipe, "text_encoder", PROMPTS)
        with amplify(pipe, second, "nl", 7, tower="text_encoder_2"), mask(pipe, first, "nl", tower="text_encoder"):
            inside = states(pipe, "text_encoder", PROMPTS)
            assert not torch.equal(inside[0], alone[0])
            assert torch.equal(inside[1], alone[1])
        assert torch.equal(states(pipe, "text_encoder", PROMPTS)[0], alone[0])


@pytest.mark.parametrize(("name", "tower"), [(name, towers[-1]) for name, towers in TOWERS.items()])
def test_an_enhancer_acts_in_the_same_way(name: str, tower: str, pipe_of: Callable[[str], Any], tmp_path: Path) -> None:
    pipe = pipe_of(name)
    enhancer = Enhancer(encoder_of(pipe, tower).hidden_size, 8)
    enhancers.save(enhancer, tmp_path / "fresh", layer=0)
    with torch.no_grad():
        enhancer.gain.fill_(2.0)
    enhancers.save(enhancer, tmp_path / "trained", layer=0)
    plain = states(pipe, tower, PROMPTS)
    with enhance(pipe, tmp_path / "fresh", tower=tower):  # its gain is 0
        assert all(map(torch.equal, states(pipe, tower, PROMPTS), plain))
    with enhance(pipe, tmp_path / "trained", tower=tower):
        prompt, negative = states(pipe, tower, PROMPTS)
    assert torch.equal(negative, plain[1])
    assert not torch.equal(prompt, plain[0])


@pytest.mark.parametrize("name", TOWERS)
def test_nothing_is_left_behind_after_an_exception_of_the_callers_own(
    name: str, pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons], tmp_path: Path
) -> None:
    pipe, tower = pipe_of(name), TOWERS[name][-1]
    neurons, kind, before = neurons_of(pipe, tower), type(pipe), hooks(pipe)
    enhancers.save(Enhancer(neurons.width, 8), tmp_path / "enhancer", layer=0)
    edits = [
        lambda: amplify(pipe, neurons, "jp", 7, tower=tower), lambda: activate(pipe, neurons, "jp", 2, tower=tower),
        lambda: mask(pipe, neurons, "jp", tower=tower), lambda: enhance(pipe, tmp_path / "enhancer", tower=tower),
    ]  # fmt: skip
    for edit in edits:
        with pytest.raises(KeyboardInterrupt), edit():
            raise KeyboardInterrupt
        assert type(pipe) is kind
        assert hooks(pipe) == before


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_nothing_is_left_behind_after_an_exception(
    part: str, pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("sd15")
    neurons, kind, before, plain = neurons_of(pipe, "text_encoder"), type(pipe), hooks(pipe), make(pipe, PROMPTS)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    blocks = pipe.unet if part == "unet" else encoder_of(pipe, part).layers[1].attention
    handle = blocks.register_forward_pre_hook(fail)
    with pytest.raises(KeyboardInterrupt), amplify(pipe, neurons, "jp", 7):
        make(pipe, PROMPTS)
    handle.remove()
    assert type(pipe) is kind
    assert hooks(pipe) == before
    assert np.array_equal(make(pipe, PROMPTS), plain)


def test_what_does_not_fit_is_refused_before_any_picture(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons], tmp_path: Path
) -> None:
    pipe = pipe_of("sdxl")
    neurons = neurons_of(pipe, "text_encoder")
    refused(amplify(pipe, neurons, "jp", 7), PipelineError, "name the tower .*: text_encoder, text_encoder_2")
    refused(mask(pipe, neurons, "jp", tower="t5"), PipelineError, "there is no 't5'")
    refused(amplify(pipe, neurons, "xx", 7, tower="text_encoder"), NeuronsError, "de, jp, nl")
    wide = load_neurons(write_neurons(tmp_path / "wide", neurons.width + 1))
    refused(mask(pipe, wide, "jp", tower="text_encoder"), PipelineError, "wide: give the `tower`")
    refused(mask(pipe, wide, tower="text_encoder"), PipelineError, "give `region`, or `regions`")
    deep = load_neurons(write_neurons(tmp_path / "deep", neurons.width, layer=40))
    refused(mask(pipe, deep, "jp", tower="text_encoder"), PipelineError, "layer 40")
    refused(mask(torch.nn.Identity(), neurons, "jp"), PipelineError, "Identity has no encode_prompt")


def refused(edit: AbstractContextManager[None], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words), edit:
        pass


def test_embeddings_of_the_callers_are_refused_since_no_edit_reaches_them(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("sd15")
    neurons = neurons_of(pipe, "text_encoder")
    embeds = pipe.encode_prompt("a bowl", "cpu", 1, False)[0]
    with pytest.raises(PipelineError, match="embeddings of the caller's"), mask(pipe, neurons, "jp"):
        pipe(prompt_embeds=embeds, num_inference_steps=1, height=32, width=32)


class BothHalvesAtOnce(diffusers.StableDiffusionPipeline):
    """Reads the negative prompt and the prompt in one run."""

    def encode_prompt(self, prompt: str, *_: Any, **__: Any) -> Any:
        ids = self.tokenizer(["", prompt], padding="max_length", return_tensors="pt").input_ids
        return self.text_encoder(ids)[0].chunk(2)[::-1]


class NoneAtAll(diffusers.StableDiffusionPipeline):
    """Knows its prompts by heart."""

    def encode_prompt(self, prompt: str, *_: Any, **__: Any) -> Any:
        return torch.zeros(1, 77, 64), torch.zeros(1, 77, 64)


@pytest.mark.parametrize(
    ("kind", "words"), [(BothHalvesAtOnce, "reads 2 texts at once for 1 prompts"), (NoneAtAll, "nothing was edited")]
)
def test_a_pipeline_that_encodes_in_another_way_is_refused(
    kind: Any, words: str, pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = kind(**pipe_of("sd15").components, requires_safety_checker=False)
    neurons = neurons_of(pipe, "text_encoder")
    with pytest.raises(PipelineError, match=words), mask(pipe, neurons, "jp"):
        pipe("a bowl", num_inference_steps=1, height=32, width=32)
    assert type(pipe) is kind


def test_the_documents_lines_run(
    pipe_of: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = blocks("python", document="docs/neurons.md")
    pipe = pipe_of("sdxl")
    made = write_neurons(tmp_path / "models/bound/sdxl", encoder_of(pipe, "text_encoder_2").hidden_size)
    made.rename(made.with_name("sdxl_clip_g"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipe, "default_sample_size", 32 // pipe.vae_scale_factor)
    pictures = []
    for snippet in (block.text, block.text.replace("strength=7", "strength=0")):
        torch.manual_seed(0)
        found: dict[str, Any] = {"pipe": pipe}
        exec(snippet, found)  # noqa: S102 (our own page)
        pictures.append(np.asarray(found["picture"]))
    assert not np.array_equal(*pictures)


@pytest.mark.parametrize(("english", "caption"), [(False, "noun"), (True, "noun_en")])
def test_steering_a_pipeline_adds_the_regions_mean_difference_from_that_noun(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons], english: bool, caption: str
) -> None:
    pipe = pipe_of("sd15")
    neurons = neurons_of(pipe, "text_encoder")
    culture = neurons.culture
    assert isinstance(culture, CultureNeurons)
    (row,) = (row for row in culture.directions if (row["region"], row["caption"]) == ("jp", caption))
    encoder = encoder_of(pipe, "text_encoder")
    with encoder.edited(culture.layer, add_direction(row["vector"], 2.0)):
        wanted = encoder.run(encoder.tokenize([PROMPTS[1]]))["last"]
    real = wanted.shape[1]  # the pipeline pads to its longest prompt
    with steer(pipe, neurons, "jp", 2.0, english=english):
        found = states(pipe, "text_encoder", PROMPTS[1])[0]
    torch.testing.assert_close(found[:, :real], wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("edit", [amplify, activate, steer])
def test_strength_0_is_no_edit(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons], edit: Callable[..., AbstractContextManager[None]]
) -> None:
    pipe = pipe_of("sd15")
    plain = make(pipe, PROMPTS)
    with edit(pipe, neurons_of(pipe, "text_encoder"), "jp", 0):
        assert np.array_equal(make(pipe, PROMPTS), plain)


def test_blocks_that_are_left_in_another_order_leave_nothing_behind(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("sd15")
    neurons, kind, plain = neurons_of(pipe, "text_encoder"), type(pipe), states(pipe, "text_encoder", PROMPTS)
    first, second = amplify(pipe, neurons, "jp", 7), amplify(pipe, neurons, "nl", 7)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with amplify(copy.copy(pipe), neurons, "nl", 7):
        inside = states(pipe, "text_encoder", PROMPTS)
    second.__exit__(None, None, None)
    assert type(pipe) is kind
    assert all(map(torch.equal, states(pipe, "text_encoder", PROMPTS), plain))
    with amplify(pipe, neurons, "nl", 7):
        assert all(map(torch.equal, states(pipe, "text_encoder", PROMPTS), inside))


def test_a_pipeline_in_another_threads_block_is_refused_and_a_copy_of_it_is_safe(
    pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("sd15")
    neurons, other = neurons_of(pipe, "text_encoder"), copy.copy(pipe)
    other.tokenizer = copy.deepcopy(pipe.tokenizer)  # the library's keeps the padding of its last call

    def encoded(one: Any) -> torch.Tensor:
        return one.encode_prompt("a bowl", "cpu", 1, False)[0]

    plain = encoded(other)
    with ThreadPoolExecutor(1) as pool, amplify(pipe, neurons, "jp", 7):
        edited = encoded(pipe)
        assert not torch.equal(edited, plain)
        for use in (encoded, lambda one: amplify(one, neurons, "nl", 7).__enter__()):
            with pytest.raises(PipelineError, match="edited in another thread"):
                pool.submit(use, pipe).result()
        passes = pool.submit(lambda: [encoded(other) for _ in range(40)])
        assert all(torch.equal(encoded(pipe), edited) for _ in range(40))
        assert all(torch.equal(one, plain) for one in passes.result())


def test_a_compiled_tower_is_refused(pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]) -> None:
    pipe = copy.copy(pipe_of("sd15"))
    neurons = neurons_of(pipe, "text_encoder")
    pipe.text_encoder = torch.compile(pipe.text_encoder, backend="eager")
    refused(amplify(pipe, neurons, "jp", 7), HookError, r"compiled by torch\.compile")


@pytest.mark.parametrize("strength", [float("nan"), float("inf")])
def test_a_strength_that_is_not_finite_is_refused(
    strength: float, pipe_of: Callable[[str], Any], neurons_of: Callable[..., Neurons]
) -> None:
    pipe = pipe_of("sd15")
    neurons = neurons_of(pipe, "text_encoder")
    for edit in (amplify, activate, steer):
        refused(edit(pipe, neurons, "jp", strength), EditError, "must be a finite number")
