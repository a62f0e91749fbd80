"""Sections of pins, generation, tuning and training: what is refused, and how it is said."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import yaml

from culturebench.params import ParamsError, load_section
from culturebench.params.conditions import Conditions, Edited, Enhanced, Pinned
from culturebench.params.generate import Generate
from culturebench.params.judge import Judge
from culturebench.params.measure import Measure
from culturebench.params.pins import Pins
from culturebench.params.sampler import Sampler
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.params.tune_strength import TuneStrength
from import_graph import ROOT
from stages import generate, generate_edited, generate_enhanced

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("section", [Generate, Judge, Measure, Pins, Sampler, TrainEnhancer, TuneStrength])
def test_the_projects_own_params_are_valid(section: Any) -> None:
    assert isinstance(load_section(section, DOCUMENT), section)


@pytest.mark.parametrize("grid", [[], [0], [1, 2], [0, 2, 2], [0, 3, 1]])
@pytest.mark.parametrize("edit", ["amplify", "activate"])
def test_a_grid_starts_at_0_and_ascends(edit: str, grid: list[float]) -> None:
    wrong = {"tune_strength": {**DOCUMENT["tune_strength"], edit: grid}}
    with pytest.raises(ParamsError, match=rf"tune_strength.{edit}: .*starts at 0 and ascends"):
        load_section(TuneStrength, wrong)


@pytest.mark.parametrize("seeds", [[], [0, 0], [-1]])
def test_seeds_are_different_and_not_negative(seeds: list[int]) -> None:
    with pytest.raises(ParamsError, match=r"generate\.seeds"):
        load_section(Generate, {"generate": {**DOCUMENT["generate"], "seeds": seeds}})


@pytest.mark.parametrize("commit", ["main", "v1.0", COMMIT[:7], COMMIT.upper(), COMMIT + "0", None])
def test_a_branch_a_tag_and_a_short_hash_are_refused_for_a_pin(commit: str | None) -> None:
    with pytest.raises(ParamsError, match="full 40 hex digits"):
        load_section(Pins, {"pins": {"alt": {"folder": "w", "repo": "BAAI/AltDiffusion-m18", "commit": commit}}})


def test_a_pin_has_a_folder_and_what_belongs_to_a_repository_stands_with_one() -> None:
    whole = {"folder": "weights", "repo": "BAAI/AltDiffusion-m18", "commit": COMMIT, "files": ["unet/*"]}
    load_section(Pins, {"pins": {"alt": whole}})
    load_section(Pins, {"pins": {"alt": {"folder": "weights"}}})
    with pytest.raises(ParamsError, match=r"pins.alt.folder: Field required"):
        load_section(Pins, {"pins": {"alt": {"repo": "BAAI/AltDiffusion-m18", "commit": COMMIT}}})
    for wrong in ({"folder": "w", "commit": COMMIT}, {"folder": "w", "files": ["*"]}):
        with pytest.raises(ParamsError, match="`commit` and `files` belong to `repo`"):
            load_section(Pins, {"pins": {"alt": wrong}})


def test_a_condition_that_its_stage_cannot_make_is_refused_with_the_known_ones() -> None:
    wrong = {**DOCUMENT["conditions"], "edited": ["amplifed"]}
    with pytest.raises(ParamsError, match=r"conditions\.edited\.0: .*'amplified'.*got 'amplifed'"):
        load_section(Conditions, {"conditions": wrong})


def test_the_conditions_of_params_are_those_that_the_stages_make() -> None:
    assert get_args(Pinned) == generate.CONDITIONS
    assert get_args(Edited) == generate_edited.CONDITIONS
    assert get_args(Enhanced) == tuple(generate_enhanced.SITE_OF)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ParamsError, match=r"sampler\.guidance: unknown key"):
        load_section(Sampler, {"sampler": {**DOCUMENT["sampler"], "guidance": 2}})
