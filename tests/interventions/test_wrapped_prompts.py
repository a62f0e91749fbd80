"""Edits of plain pipelines that wrap prompts in a template: it is the prompt's own tokens that change."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline

import tiny_diffusers
from culturebench.interventions.pipelines import load_neurons, steer
from tower_neurons import encoder_of, write_neurons

#: Pipeline -> whether it reads prompts in lower case.
WRAPPED = {
    "QwenImagePipeline": False,
    "ZImagePipeline": False,
    "Flux2KleinPipeline": False,
    "SanaPipeline": True,
    "Lumina2Pipeline": False,
    "PixArtSigmaPipeline": True,
}


@pytest.fixture(scope="module")
def pipe_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    root = tmp_path_factory.mktemp("wrapped")

    @cache
    def loaded(name: str) -> Any:
        pipe: Any = DiffusionPipeline.from_pretrained(tiny_diffusers.write(name, root / name), local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    return loaded


def reading(pipe: Any, prompts: list[str]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Ids, and what the first block's attention gave, of each pass of the encoder while pictures were made."""
    encoder, seen = encoder_of(pipe, "text_encoder"), []

    def ids(_module: Any, args: Any, kwargs: Any) -> None:
        seen.append([args[0] if args else kwargs["input_ids"]])

    def states(_module: Any, _args: Any, output: torch.Tensor) -> None:
        seen[-1].append(output.clone())

    handles = [
        encoder.model.register_forward_pre_hook(ids, with_kwargs=True),
        encoder.layers[0].attention_output.register_forward_hook(states),
    ]
    try:
        size = tiny_diffusers.RECIPES[type(pipe).__name__].size
        binned = {"use_resolution_binning": False}
        more = binned if binned.keys() & inspect.signature(type(pipe).__call__).parameters.keys() else {}
        some = list(prompts)  # Z-Image writes its template into the caller's list
        pipe(prompt=some, height=size, width=size, num_inference_steps=1, output_type="np", **more)
    finally:
        for handle in handles:
            handle.remove()
    return [(pair[0], pair[1]) for pair in seen if len(pair) == 2]


@pytest.mark.parametrize("name", WRAPPED)
def test_an_edit_changes_the_prompts_own_tokens_alone(name: str, pipe_of: Callable[[str], Any], tmp_path: Path) -> None:
    pipe = pipe_of(name)
    width = encoder_of(pipe, "text_encoder").hidden_size
    neurons = load_neurons(write_neurons(tmp_path, width))
    for prompts in (["a Bowl with waves "], ["椀", "a Bowl with waves"]):
        plain = reading(pipe, prompts)
        with steer(pipe, neurons, "jp", 3.0):
            edited = reading(pipe, prompts)
        assert len(plain) == len(edited)
        (ids, before), (_, after) = plain[0], edited[0]
        for row, prompt in enumerate(prompts):
            changed = (after[row] != before[row]).any(dim=-1)
            told = (prompt.lower() if WRAPPED[name] else prompt).strip()
            assert pipe.tokenizer.decode(ids[row][changed]).strip().removesuffix("</s>").strip() == told
        assert all(torch.equal(a, b) for (_, a), (_, b) in zip(plain[1:], edited[1:], strict=True))


def test_blocks_inside_of_each_other_read_the_same_prompt(pipe_of: Callable[[str], Any], tmp_path: Path) -> None:
    pipe = pipe_of("Lumina2Pipeline")
    neurons = load_neurons(write_neurons(tmp_path, encoder_of(pipe, "text_encoder").hidden_size))
    prompts = ["椀", "a Bowl with waves"]
    with steer(pipe, neurons, "jp", 3.0):
        once = reading(pipe, prompts)
        with steer(pipe, neurons, "jp", 2.0):
            twice = reading(pipe, prompts)
    with steer(pipe, neurons, "jp", 5.0):
        whole = reading(pipe, prompts)
    torch.testing.assert_close(twice[0][1], whole[0][1], atol=1e-5, rtol=1e-5)
    assert not torch.equal(once[0][1], twice[0][1])
