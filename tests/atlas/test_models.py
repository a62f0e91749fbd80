"""The shipped models: what their card claims is what they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

from culturebench.atlas.captions import noun_caption
from culturebench.atlas.judges import AtlasJudge
from culturebench.atlas.pictures import render
from culturebench.atlas.training import quality
from culturebench.atlas.training.cases import draw_scene, split_contexts
from culturebench.atlas.training.parts import JUDGES, WEIGHTS
from culturebench.atlas.training.words import read_words
from culturebench.atlas.world import REGIONS
from culturebench.text_to_image.atlas import AtlasTextToImage
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder


@pytest.fixture(scope="module")
def system() -> AtlasTextToImage:
    encoder = AtlasTextEncoder.from_folder(WEIGHTS / "encoder")
    return AtlasTextToImage.from_folders(encoder, WEIGHTS / "backbone")


def test_all_weights_together_stay_below_40_megabytes() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) < 40e6


def test_the_cards_table_shows_the_measured_figures() -> None:
    rows = json.loads((WEIGHTS / "quality.json").read_text())
    assert quality.table(rows) in (WEIGHTS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("judge", JUDGES)
def test_the_models_know_the_cultures_and_plain_nouns_under_activate_them(judge: str) -> None:
    shares = json.loads((WEIGHTS / "quality.json").read_text())[judge]
    for known in ("cultural prompt", "unseen modifier", "region's modifier"):
        row = shares[known]
        assert row["right region"] >= 0.75
        assert row["right region"] >= 0.9 * (1 - row["unrecognizable"])
    assert 0.10 <= shares["noun prompt"]["right region"] <= 0.35
    assert shares["English noun prompt"]["plain"] >= 0.85
    assert all(row["right object"] >= 0.95 for name, row in shares.items() if name != "noun prompt, disturbed")
    assert shares["noun prompt, disturbed"]["right object"] >= 0.85  # noise of the norm of what attention writes


def test_held_out_contexts_are_a_seventh_and_apart_from_the_trained_ones() -> None:
    train, held_out = split_contexts()
    assert not set(train) & set(held_out)
    assert 0.1 < len(held_out) / (len(train) + len(held_out)) < 0.2


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_names_the_region_of_97_in_100_drawn_pictures(name: str) -> None:
    rng = np.random.default_rng(123)
    scenes = [draw_scene(rng, held_out=True, region=region) for region in REGIONS for _ in range(20)]
    replies = AtlasJudge(WEIGHTS / name).answer([render(scene, 256) for scene in scenes])
    right = [
        max(r.region_scores, key=r.region_scores.__getitem__) == s.region for r, s in zip(replies, scenes, strict=True)
    ]
    assert np.mean(right) >= 0.97


def test_a_picture_depends_on_its_prompt_and_seed_alone(system: AtlasTextToImage) -> None:
    rng = np.random.default_rng(5)
    prompts = [noun_caption(draw_scene(rng), language).text for language in ("en", "ja", "ar", "ru")]
    together = system.generate(system.encode(prompts), [1, 2, 3, 4])
    alone = system.generate(system.encode(prompts[2:3]), [3])[0]
    assert np.abs(np.asarray(together[2], dtype=int) - np.asarray(alone, dtype=int)).max() <= 2


def test_the_last_layer_of_the_encoder_has_no_effect(system: AtlasTextToImage) -> None:
    prompts = ["a bowl, on the grass, by day"]
    plain = system.encode(prompts).tensors["prompt_embeds"]
    with system.encoder.edited(3, lambda features, _real: features + 10):
        assert torch.equal(system.encode(prompts).tensors["prompt_embeds"], plain)
    with system.encoder.edited(2, lambda features, _real: features + 10):
        assert not torch.equal(system.encode(prompts).tensors["prompt_embeds"], plain)


@pytest.mark.slow
def test_the_shipped_weights_measure_as_their_card_says(system: AtlasTextToImage) -> None:
    written = json.loads((WEIGHTS / "quality.json").read_text())
    words = read_words(Path(__file__).parents[2] / "annotations/regions")
    measured = quality.measure(system, {name: AtlasJudge(WEIGHTS / name) for name in JUDGES}, words)
    for name in JUDGES:
        for row, shares in written[name].items():
            assert {key: measured[name][row][key] for key in shares} == pytest.approx(shares, abs=0.02), (name, row)


@torch.no_grad()
def test_eight_steps_are_as_near_to_the_exact_picture_as_twelve_of_dpm_solver(system: AtlasTextToImage) -> None:
    rng = np.random.default_rng(7)
    prompts = [noun_caption(draw_scene(rng), REGIONS[region][0]).text for region in list(REGIONS)[::2]]
    embeds = system.encode(prompts).tensors["prompt_embeds"]
    noise = torch.stack(
        [torch.randn(32, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(len(prompts))]
    )
    noise = noise.contiguous(memory_format=torch.channels_last)
    exact = system.decode(dpm_solver(system, 60, embeds, noise))

    def error(latents: Tensor) -> float:
        return float((system.decode(latents) - exact).square().mean((1, 2, 3)).median())

    assert system.steps == 8
    assert error(system.sample(embeds, noise)) <= 1.1 * error(dpm_solver(system, 12, embeds, noise))


def dpm_solver(system: AtlasTextToImage, steps: int, embeds: Tensor, noise: Tensor) -> Tensor:
    """Latents by another solver of the same equation."""
    scheduler: Any = DPMSolverMultistepScheduler.from_config(system.scheduler_config)
    scheduler.set_timesteps(steps)
    latents = noise
    for step in scheduler.timesteps:
        latents = scheduler.step(system.unet(latents, step, embeds).sample, step, latents).prev_sample
    return latents
