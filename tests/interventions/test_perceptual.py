"""A perceptual loss is the measure's own distance, and a training can descend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import tiny_measures
import tiny_pipelines
from culturebench.atlas.alignment import AtlasAlignment
from culturebench.atlas.judges import to_pixels
from culturebench.interventions.enhancer_training import EnhancerTraining
from culturebench.interventions.perceptual import open_distance
from culturebench.interventions.training import Pair
from culturebench.measures.scorers.alignment import distances
from culturebench.measures.scorers.lpips import Lpips
from culturebench.params import ParamsError, load_section
from culturebench.params.train_enhancer import Perceptual, TrainEnhancer
from culturebench.png import to_png
from import_graph import ROOT
from slopes import norm_and_slope

ATLAS = ROOT / "culturebench/atlas/weights/alignment"
HERE = torch.device("cpu")


@pytest.fixture(scope="module")
def task_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    return tiny_pipelines.denoisings_in(tmp_path_factory.mktemp("systems"))


def test_on_the_atlas_it_is_the_distance_that_is_measured() -> None:
    first, second = tiny_measures.pictures(2, (64, 64)), tiny_measures.pictures(4, (64, 64))[2:]
    distance = open_distance(ATLAS, Perceptual(pin="atlas", size=64), HERE)
    encoder = AtlasAlignment(ATLAS)
    measured = distances(encoder.features(first), encoder.features(second))
    assert distance(to_pixels(first), to_pixels(second)).tolist() == pytest.approx(measured, rel=1e-6)


def test_with_lpips_it_is_lpips_of_pictures_averaged_down(tmp_path: Path) -> None:
    folder = tiny_measures.lpips(tmp_path, "alex")
    distance = open_distance(folder, Perceptual(pin="lpips", network="alex", size=64), HERE)
    small = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    expected = Lpips.from_folder(folder, "alex", 64)(small, small.flip(0))
    torch.testing.assert_close(distance(large, large.flip(0)), expected)
    assert distance(large, large).abs().max() == 0 < expected.abs().min()


@pytest.mark.parametrize("objective", ["denoise", "sample_k"])
@pytest.mark.parametrize("name", ["altdiffusion_m18", "flux"])
def test_its_gradient_is_the_slope_of_the_loss(name: str, objective: str, task_of: Callable[[str], Any]) -> None:
    perceptual = Perceptual(pin="atlas", size=64)
    numbers = tiny_pipelines.TRAINING.model_copy(
        update={
            "objective": objective, "loss_space": "perceptual", "perceptual": perceptual,
            "last_steps": tiny_pipelines.STEPS,
        }
    )  # fmt: skip
    pairs = [Pair("a bowl", to_png(Image.new("RGB", (40, 40), (200, 40 * number, 90)))) for number in range(2)]
    training = EnhancerTraining(task_of(name), 0, pairs, numbers, distance=open_distance(ATLAS, perceptual, HERE))
    norm, slope = norm_and_slope(training)
    assert slope == pytest.approx(norm, rel=0.05)


def test_a_perceptual_loss_without_features_is_refused() -> None:
    values = tiny_pipelines.TRAINING.model_dump() | {"loss_space": "perceptual"}
    with pytest.raises(ParamsError, match=r"needs `perceptual`, such as \{pin: lpips_alex"):
        load_section(TrainEnhancer, {"train_enhancer": values})
