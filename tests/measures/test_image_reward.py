"""ImageReward against the numbers of image-reward 1.5 on the same weights (tests/support/original_measures.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPImageProcessorPil

import tiny_measures
from culturebench.measures.scorers.image_reward import ImageRewardError, Rewards, prepared

ORIGINAL = [-0.8742021, -1.403248, -1.0177505]


def opened(folder: Path) -> Rewards:
    return Rewards(folder, torch.device("cpu"), torch.float32)


def test_the_rewards_are_those_of_the_original(tmp_path: Path) -> None:
    rewards = opened(tiny_measures.image_reward(tmp_path / "ir"))
    assert rewards.score(tiny_measures.pictures(), tiny_measures.TEXTS) == pytest.approx(ORIGINAL, abs=2e-6)


def test_only_the_first_35_tokens_are_read(tmp_path: Path) -> None:
    rewards, images = opened(tiny_measures.image_reward(tmp_path / "ir")), tiny_measures.pictures(2, (64, 64))
    first, second = rewards.score([images[0]] * 2, ["bowl " * 40 + "red", "bowl " * 40 + "house"])
    assert first == pytest.approx(second)


@pytest.mark.parametrize("size", [(224, 224), (256, 256), (300, 224), (200, 333), (512, 301)])
def test_pictures_are_prepared_as_openais_clip_does_it(size: tuple[int, int]) -> None:
    (picture,) = tiny_measures.pictures(1, size)
    side = {"height": 224, "width": 224}
    theirs = CLIPImageProcessorPil(size={"shortest_edge": 224}, crop_size=side)(images=[picture], return_tensors="pt")
    ours = prepared(picture)
    assert ours.shape == (3, 224, 224)
    differences = (ours - theirs["pixel_values"][0]).abs()
    assert differences.max() < 1e-5


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    folder = tiny_measures.image_reward(tmp_path / "ir")
    path = folder / "model.safetensors"
    weights = load_file(path)
    save_file({name: tensor for name, tensor in weights.items() if not name.startswith("mlp.")}, path)
    with pytest.raises(ImageRewardError, match="holds no ImageReward"):
        opened(folder)


def test_a_grey_picture_is_scored_as_rgb(tmp_path: Path) -> None:
    rewards = opened(tiny_measures.image_reward(tmp_path / "ir"))
    grey = Image.new("L", (40, 40), 90)
    assert rewards.score([grey], ["a bowl"]) == pytest.approx(rewards.score([grey.convert("RGB")], ["a bowl"]))
