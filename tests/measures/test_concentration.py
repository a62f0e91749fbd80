"""Cue concentration: a planted overdose of one ornament, real pictures against themselves, and its spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from culturebench.atlas.alignment import AtlasAlignment
from culturebench.atlas.pictures import render
from culturebench.atlas.world import OBJECTS, PLACES, REGIONS, Scene
from culturebench.measures.concentration import TOO_FEW, concentration, of_regions
from culturebench.measures.scorers.alignment import distances, unit_vectors
from culturebench.measures.statistics import Bootstrap, Estimate
from culturebench.measures.task import Task
from culturebench.measures.units import Units
from culturebench.params.measure import Measure
from culturebench.png import to_png
from import_graph import ROOT

CODES = ("jp", "nl", "tr", "it", "pt", "ua")
PROMPTS = 8
ENCODER = AtlasAlignment(ROOT / "culturebench/atlas/weights/alignment")
Scenes = Mapping[str, Scene]


def embed(images: list[Image.Image]) -> Tensor:
    return unit_vectors(ENCODER.features(images))


#: Prompt id -> what the real picture of it shows: objects, places and the region's two ornaments in turn.
REAL: Scenes = {
    f"{code}-{i}": Scene(
        OBJECTS[(i * 3 + shift) % len(OBJECTS)], PLACES[(i + shift) % len(PLACES)], "day", "close", "none",
        code, REGIONS[code][1][i % 2],
    )
    for shift, code in enumerate(CODES)
    for i in range(PROMPTS)
}  # fmt: skip


def dosed(pictures: int) -> Scenes:
    """The scenes with the first ornament in so many more of a region's pictures."""
    more = range(1, 2 * pictures, 2)
    return {
        name: replace(scene, subdivision=REGIONS[scene.region][1][0]) if int(name[-1]) in more else scene
        for name, scene in REAL.items()
    }


def png(scene: Scene) -> bytes:
    return to_png(render(scene, 64))


def estimate(drawn: Scenes) -> Estimate:
    """Of pictures of these scenes, two a prompt, beside the real ones of the same prompts."""
    references: Any = {name: {"image": png(scene)} for name, scene in REAL.items()}
    pictures: Any = [
        {"prompt_id": name, "region": REAL[name].region, "seed": seed, "image": png(replace(scene, seed=1 + seed))}
        for name, scene in drawn.items()
        for seed in (0, 1)
    ]
    rows = of_regions("x", Task(Measure(alignment=None, caption="noun"), Path(), {}, pictures, references), embed)
    values = {(row["prompt_id"], row["seed"]): row["value"] for row in rows if row["value"] is not None}
    assert len(values) == len(REAL)
    return Bootstrap(500, 0, 0.95).mean(values, Units("prompt", {name: scene.region for name, scene in REAL.items()}))


def test_real_pictures_are_as_alike_as_the_real_pictures() -> None:
    found = estimate(REAL)
    assert found.low is not None and found.high is not None
    assert found.low < 0 < found.high


def test_an_overdose_of_one_ornament_makes_pictures_more_alike_than_real_ones_and_half_of_it_less_so() -> None:
    none, half, whole = (estimate(dosed(pictures)) for pictures in (0, 2, 4))
    assert whole.low is not None and half.high is not None
    assert whole.low > max(0, none.high or 0)
    assert none.value < half.value < whole.low


def test_pictures_without_any_culture_are_less_alike_than_real_ones() -> None:
    found = estimate({name: replace(scene, region="", subdivision="") for name, scene in REAL.items()})
    assert found.high is not None and found.high < 0


def test_what_all_pictures_of_a_model_have_in_common_counts_for_nothing() -> None:
    """Everything drawn in one frame at night: all pictures resemble each other more, those of a region no more so."""
    rng = np.random.default_rng(0)
    made = torch.nn.functional.normalize(torch.tensor(rng.normal(size=(12, 20))), dim=1)
    regions = ["jp"] * 6 + ["nl"] * 6
    common = torch.cat([made * 0.6, torch.full((12, 1), 0.8)], dim=1)
    alike = concentration(common, torch.cat([made, torch.zeros(12, 1)], dim=1), regions)
    own = concentration(made * 0.6, made, regions)
    assert alike == pytest.approx(own)


def test_a_regions_value_is_the_mean_over_its_pairs_and_the_prompts_values_tell_how_it_varies() -> None:
    """Against the closed form, and against the spread of the value itself over many draws."""
    rng = np.random.default_rng(1)
    regions = ["jp"] * 8 + ["nl"] * 40
    values, errors, naive = [], [], []
    for _ in range(200):
        made = torch.tensor(rng.normal([1.0, 0.0, 0.0], 1.0, size=(48, 3)))
        made[8:, 0] -= 1
        found = np.array(concentration(made, torch.zeros(48, 3), regions)[:8], dtype=float)
        cosines = (made @ made.T).numpy()
        inside = [cosines[i, j] for i in range(8) for j in range(8) if i != j]
        assert found.mean() == pytest.approx(np.mean(inside) - cosines[:8, 8:].mean())
        values.append(found.mean())
        errors.append(found.var(ddof=1) / 8)
        naive.append(np.var([(cosines[i, :8].sum() - cosines[i, i]) / 7 for i in range(8)], ddof=1) / 8)
    assert np.mean(errors) == pytest.approx(np.var(values), rel=0.35)
    assert np.mean(naive) < 0.6 * np.var(values)


def test_a_region_with_two_prompts_and_a_run_with_one_region_have_no_value() -> None:
    vectors = torch.eye(5)
    assert concentration(vectors, vectors, ["jp", "jp", "nl", "nl", "nl"])[:2] == [None, None]
    assert concentration(vectors, vectors, ["jp"] * 5) == [None] * 5
    picture: Any = {"prompt_id": "a", "region": "jp", "seed": 0, "image": png(REAL["jp-0"])}
    task = Task(Measure(alignment=None, caption="noun"), Path(), {}, [picture], {"a": picture})
    assert [(row["value"], row["reason"]) for row in of_regions("x", task, embed)] == [(None, TOO_FEW)]


def test_the_vectors_cosines_are_the_perceptual_distance() -> None:
    images = [render(REAL[name], 64) for name in ("jp-0", "nl-1")]
    one, other = embed(images)
    features = ENCODER.features(images)
    (expected,) = distances([depth[:1] for depth in features], [depth[1:] for depth in features])
    assert float(one @ one) == pytest.approx(1, abs=1e-5)
    assert 1 - expected / 2 == pytest.approx(float(one @ other), abs=1e-5)
