"""The adapter `diffusers`: any pipeline's own prompts and guidance around the pinned towers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from transformers import AutoTokenizer

import layouts
import sd15
import tiny_encoders
from benchmarks.pipelines import tried
from culturebench.params.encoders import Encoder
from culturebench.params.models import Model
from culturebench.text_to_image.adapters.parts import BackboneError
from culturebench.text_to_image.loading import load_encoder, load_model

PROMPTS = ["青海波の椀 bowl", "a plain bowl"]
SEEDS = [3, 4]
STEPS = 2


def write_lumina2(folder: Path) -> Path:
    """Lumina 2: Gemma 2 with a template around the prompt, read before its last block."""
    torch.manual_seed(0)
    encoder = tiny_encoders.write(folder / "parts", "Gemma")
    tokenizer = AutoTokenizer.from_pretrained(folder / "parts/tokenizer")
    transformer = diffusers.Lumina2Transformer2DModel(
        sample_size=4, patch_size=2, in_channels=4, hidden_size=24, num_layers=1, num_refiner_layers=1,
        num_attention_heads=3, num_kv_heads=1, multiple_of=16, axes_dim_rope=(4, 2, 2), cap_feat_dim=16,
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 16), latent_channels=4, norm_num_groups=4, sample_size=32, layers_per_block=1,
        shift_factor=0.1,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    pipe = diffusers.Lumina2Pipeline(transformer, diffusers.FlowMatchEulerDiscreteScheduler(), vae, encoder, tokenizer)
    pipe.save_pretrained(folder / "pipe")
    return folder / "pipe"


def written(name: str, folder: Path) -> Path:
    makers = {"sd15": sd15.write, "lumina2": write_lumina2}
    return makers[name](folder) if name in makers else layouts.write(name, folder)


#: Pipeline -> the numbers of its text encoders' slots.
SLOTS = {"sd15": [""], "sdxl": ["", "_2"], "sd35_medium": ["", "_2", "_3"], "flux": ["", "_2"], "lumina2": [""]}


#: What the entries of its text encoders must say.
ENTRIES: dict[str, list[dict[str, Any]]] = {
    "sdxl": [{"reads": "penultimate"}, {}],
    "lumina2": [
        {
            "reads": "penultimate",
            "template": "You are an assistant designed to generate superior images with the superior degree of "
            "image-text alignment based on textual prompts or user prompts. <Prompt Start> {prompt}",
        }
    ],
}


def load(folder: Path, numbers: list[str], entries: list[dict[str, Any]] | None = None, **values: Any) -> Any:
    encoders = [
        load_encoder(
            Encoder(
                adapter="transformers", pin="x", subfolder=f"text_encoder{n}", tokenizer=f"tokenizer{n}", **entry
            ), folder,
        )
        for n, entry in zip(numbers, entries or [{}] * len(numbers), strict=True)
    ]  # fmt: skip
    names = [f"tower{n}" for n in numbers]
    model = Model(adapter="diffusers", towers=names, edited=names[-1], pin="x", size=32, **values)
    return load_model(model, encoders, folder, None, STEPS)


def pictures(images: Any) -> np.ndarray:
    return np.stack([np.asarray(image, dtype=np.float64) for image in images])


@pytest.mark.parametrize("name", SLOTS)
def test_pictures_are_the_pipelines_own_and_edits_reach_them(name: str, tmp_path: Path) -> None:
    folder = written(name, tmp_path)
    system = load(folder, SLOTS[name], ENTRIES.get(name), guidance=5.0)
    plain = system.encode(PROMPTS)
    ours = system.generate(plain, SEEDS)
    pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    noise = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    theirs = pipe(PROMPTS, num_inference_steps=STEPS, guidance_scale=5.0, height=32, width=32, generator=noise).images
    assert np.abs(pictures(ours) - pictures(theirs)).max() <= 1
    ramp = torch.linspace(-3, 3, system.encoder.hidden_size)
    real: list[torch.Tensor] = []

    def push(features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        real.append(tokens)
        return torch.where(tokens[..., None], features + ramp, features)

    negative = {key: value.clone() for key, value in system.negative.items()}
    with system.encoder.edited(0, push):
        changed = system.encode(PROMPTS)
    assert real and 0 < int(real[0][1].sum()) < real[0].shape[1], "real tokens are told from padding"
    assert any(not torch.equal(changed.tensors[key], plain.tensors[key]) for key in plain.tensors)
    assert all(torch.equal(system.negative[key], value) for key, value in negative.items())
    assert np.abs(pictures(system.generate(changed, SEEDS)) - pictures(ours)).max() > 2
    assert system.encoder._real is None


def test_each_text_encoder_of_a_pipeline_needs_its_tower(tmp_path: Path) -> None:
    folder = layouts.write("flux", tmp_path)
    with pytest.raises(BackboneError, match=r"has the text encoders text_encoder, text_encoder_2; .* not 1"):
        load(folder, [""])


@pytest.mark.parametrize(
    ("name", "entry", "said"),
    [
        ("lumina2", {}, r'set of its entry in `encoders` template: "You are an .* <Prompt Start> \{prompt\}"'),
        ("lumina2", {**ENTRIES["lumina2"][0], "reads": "last"}, r"reads nothing behind block 1 .*reads: penultimate"),
    ],
)
def test_an_entry_that_does_not_read_as_the_pipeline_does_is_told_what_to_say(
    name: str, entry: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """Probing would look at other texts, or at blocks of which the backbone sees nothing."""
    with pytest.raises(BackboneError, match=said):
        load(written(name, tmp_path), SLOTS[name], [entry])


@pytest.mark.parametrize(
    "name", ["PixArtSigmaPipeline", "SanaPipeline", "QwenImagePipeline", "ZImagePipeline", "Flux2KleinPipeline"]
)
def test_newer_pipelines_work_whole_once_their_entries_say_what_the_refusals_ask(name: str, tmp_path: Path) -> None:
    """An empty negative prompt, prompts of two lengths, lists of embeddings, templates, blocks that nobody reads."""
    trial = tried(name, tmp_path)
    assert trial.difference <= 1
    assert trial.edited and trial.enhanced == ""
    assert set(trial.needs) == {
        "PixArtSigmaPipeline": {"lowercase"}, "SanaPipeline": {"lowercase", "template", "max_tokens"},
        "QwenImagePipeline": {"template"}, "ZImagePipeline": {"template", "reads"},
        "Flux2KleinPipeline": {"template", "reads"},
    }[name]  # fmt: skip
    assert trial.needs.get("reads") == {"ZImagePipeline": "penultimate", "Flux2KleinPipeline": 27}.get(name)
