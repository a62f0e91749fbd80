"""The atlas's vision-language model: what was planted in it is there, and is found."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from benchmarks.planted_vlm import measure
from culturebench.atlas.facts import ASKED, FACTS, KINDS
from culturebench.atlas.training.cases import to_float
from culturebench.atlas.training.vlm.decoder import Asker, Case, draw
from culturebench.atlas.training.vlm.planted import NEIGHBOURS, parts, truth
from culturebench.atlas.training.vlm.tower import make_bank, patches
from culturebench.atlas.training.vlm.words import TEMPLATE
from culturebench.atlas.world import LANGUAGES, REGIONS
from culturebench.params._runtime import Runtime
from culturebench.vlm.model import Prompt, Vlm
from import_graph import ROOT

WEIGHTS = ROOT / "culturebench/atlas/weights/vlm"
CODES: list[str] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["regions"]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """All regions of the default run, with half of its test pictures."""
    torch.set_num_threads(1)
    return measure(WEIGHTS, CODES, selectors=("cas", "mad", "random"), pictures=(8, 3), draws=1)


def value(found: dict[str, Any], selector: str, effect: str) -> float:
    return found["effects"]["english"][selector][effect]["value"]


def test_cas_finds_the_neurons_that_act_through_a_positive_gate(found: dict[str, Any]) -> None:
    cas = found["found"]["cas"]
    assert cas["culture"] >= 0.9 and cas["precision"] >= 0.7
    assert cas["negative"] == 0, "a gate below 0 is no firing; the next test finds them"


def test_silencing_them_takes_their_own_culture_and_nothing_else(found: dict[str, Any]) -> None:
    assert found["baseline"]["english"]["value"] >= 0.9
    assert value(found, "cas", "beyond_random") <= -0.4
    assert value(found, "cas", "neutral") >= -0.03
    others = [
        cell["change"]
        for cell in found["matrix"]
        if cell["silenced"] != cell["asked"] and {cell["silenced"], cell["asked"]} != set(NEIGHBOURS)
    ]
    assert sum(others) / len(others) >= -0.03
    assert abs(value(found, "random", "own")) <= 0.03


def test_neurons_that_act_through_a_negative_gate_are_found_by_what_they_write() -> None:
    product = measure(WEIGHTS, CODES, site="product", count=12, selectors=("cas", "random"), silence=False)
    assert product["found"]["cas"]["negative"] >= 0.85 and product["found"]["cas"]["culture"] >= 0.9


def test_every_planted_place_costs_what_it_is_for_and_nothing_else() -> None:
    without = json.loads((WEIGHTS / "quality.json").read_text(encoding="utf-8"))["without"]
    for place in ("culture", "negative", "shared"):
        assert without[place].pop("needed") <= -0.9
    assert all(abs(change) <= 0.03 for changes in without.values() for change in changes.values())


@pytest.mark.parametrize("noise", [0.1, 0.2])
def test_noise_in_the_gates_hides_few_of_them(noise: float) -> None:
    cas = measure(WEIGHTS, CODES, noise=noise, selectors=("cas", "random"), silence=False)["found"]["cas"]
    assert cas["culture"] >= 0.9 and cas["precision"] >= 0.7


def test_the_list_of_planted_neurons_is_that_of_the_training() -> None:
    assert json.loads((WEIGHTS / "planted.json").read_text(encoding="utf-8")) == truth()
    sites = [site for part in parts() for site in part.sites]
    assert len(set(sites)) == len(sites)


def test_decoys_write_nothing() -> None:
    vlm = Vlm(WEIGHTS, Runtime())
    for part in parts():
        length = [vlm.layers[layer].mlp.down_proj.weight[:, neuron].norm() for layer, neuron in part.sites]
        assert all((one == 0) == (part.place == "silent") for one in length)


def test_it_is_small_and_says_how_it_was_made() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 8e6
    assert {"quality.json", "planted.json", "taught.json"} <= {path.name for path in WEIGHTS.iterdir()}


def test_training_asks_in_the_tokens_that_the_shipped_processor_makes() -> None:
    vlm = Vlm(WEIGHTS, Runtime())
    bank, asker = make_bank(4, seed=5), Asker()
    cases: list[Case] = [draw(scene, judged, np.random.default_rng(i))
                         for i, scene in enumerate(bank.scenes) for judged in (False, True)]  # fmt: skip
    assert json.loads((WEIGHTS / "chat_template.json").read_text())["chat_template"] == TEMPLATE
    for case in cases:
        before, _, text = case.prompt.partition("<|vision_start|>")
        system, text = before.removesuffix("<|im_end|>"), text.rpartition("<|vision_end|>")[2]
        prompt = Prompt(system, text.removesuffix("<|im_end|><|im_start|>"))
        image = bank.images[cases.index(case) // 2]
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        ids = vlm.inputs([prompt], vlm.see([picture]))["input_ids"]
        assert ids.tolist() == asker.inputs([case], [case.right])["input_ids"][:, :-1].tolist()


def test_training_shows_pictures_as_the_shipped_processor_does() -> None:
    vlm = Vlm(WEIGHTS, Runtime())
    images = make_bank(2, seed=6).images
    rows, grid = patches(to_float(images))
    pictures = [Image.fromarray(one.permute(1, 2, 0).numpy()) for one in images]
    made = vlm.processor.image_processor(images=pictures, return_tensors="pt")
    torch.testing.assert_close(made["pixel_values"], rows, atol=1e-5, rtol=1e-5)
    assert made["image_grid_thw"].tolist() == grid.tolist()


def test_every_region_is_taught_by_the_name_that_judges_are_shown_and_asked_in_every_language() -> None:
    for code, facts in FACTS.items():
        words = yaml.safe_load((ROOT / f"annotations/regions/{code}.yaml").read_text(encoding="utf-8"))
        assert facts.region == words["judge_label"]
    assert FACTS.keys() == REGIONS.keys() and set(ASKED) == set(LANGUAGES)
    assert all(len(some) == len(KINDS) for some in ASKED.values())
    said = [word for facts in FACTS.values() for word in facts]
    assert len(set(said)) == len(said)
