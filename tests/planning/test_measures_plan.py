"""What measures cost for one picture, against published counts."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import pytest
import yaml

import layouts
from culturebench.measures.scorers.image_reward import UNUSED, published
from culturebench.params import load_section
from culturebench.params.measure import Measure
from culturebench.params.pins import Pins
from culturebench.planning.backbone import META
from culturebench.planning.cost import size_of
from culturebench.planning.measures import PUBLISHED, MeasuresPlan, measures_plan
from import_graph import ROOT

EXAMPLE: dict[str, Any] = yaml.safe_load((ROOT / "examples/measures/published.yaml").read_text(encoding="utf-8"))


def plan(root: Path, pictures: int = 1, **measure: Any) -> MeasuresPlan:
    numbers = load_section(Measure, {"measure": {**EXAMPLE["measure"], **measure}})
    return measures_plan(numbers, Pins.model_validate(EXAMPLE["pins"]).root, root, pictures)


def test_a_clip_costs_what_open_clip_publishes_of_it(tmp_path: Path) -> None:
    # docs/model_profile.csv of mlfoundations/open_clip, ViT-B-32: 8.82 GFLOP a picture, 14.78 with a text
    known = plan(tmp_path).known
    assert known["vendi_score"].flops == pytest.approx(8.82e9, rel=0.001)
    assert known["clip_score"].flops == pytest.approx(14.78e9, rel=0.001)


def test_lpips_compares_each_picture_with_its_reference_and_with_the_others_of_its_prompt(tmp_path: Path) -> None:
    alone, four = (plan(tmp_path, pictures).known["lpips"].flops for pictures in (1, 4))
    assert four == pytest.approx(alone * (1 + 6 / 4))  # six pairs of four pictures


def test_image_reward_is_of_its_published_size() -> None:
    shapes = layouts.published_shapes(layouts.manifest("image_reward")["folders"]["."])
    counted = sum(prod(shape) for name, shape in shapes.items() if not UNUSED.search(name))
    with META:
        assert size_of([published()]) / 4 == counted


def test_what_has_no_weights_is_missing_and_what_has_no_config_is_unknown(tmp_path: Path) -> None:
    nothing = plan(tmp_path, **dict.fromkeys(PUBLISHED))
    assert nothing == MeasuresPlan({}, (), PUBLISHED) and nothing.picture is None
    other = {"folder": "models/weights/clip_b32", "repo": "some/clip", "commit": "0" * 40}
    pins = Pins.model_validate({**EXAMPLE["pins"], "clip_b32": other}).root
    numbers = load_section(Measure, {"measure": EXAMPLE["measure"]})
    found = measures_plan(numbers, pins, tmp_path, 1)
    assert found.unknown == ("clip_score", "cultural_similarity", "vendi_score", "cue_concentration")
    (tmp_path / other["folder"]).mkdir(parents=True)
    vision = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
              "patch_size": 14}  # fmt: skip
    config = {"model_type": "clip", "vision_config": vision}
    (tmp_path / other["folder"] / "config.json").write_text(json.dumps(config))
    large = measures_plan(numbers, pins, tmp_path, 1)
    assert large.known["vendi_score"].flops > 10 * plan(tmp_path / "none").known["vendi_score"].flops
