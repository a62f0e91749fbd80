"""Sections of pins, generation, tuning and training: what is refused, and how it is said."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from culturebench.conditions import BY_NAME
from culturebench.params import ParamsError, load_section
from culturebench.params.conditions import Conditions
from culturebench.params.generate import Generate
from culturebench.params.judge import Judge
from culturebench.params.measure import Measure
from culturebench.params.pins import Pins
from culturebench.params.prompts import Prompts
from culturebench.params.sampler import Sampler
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.params.tune_strength import TuneStrength
from import_graph import ROOT

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


def test_conditions_written_as_a_list_are_refused_with_the_way_to_write_them() -> None:
    with pytest.raises(ParamsError, match=r"conditions\.edited: .*in braces, as \{noun, cultural\}"):
        load_section(Conditions, {"conditions": {**DOCUMENT["conditions"], "edited": ["amplified"]}})


def test_all_is_what_the_three_stages_make() -> None:
    document = DOCUMENT["conditions"]
    assert sorted(document["all"]) == sorted([*document["pinned"], *document["edited"], *document["enhanced"]])
    assert set(document["all"]) == set(BY_NAME), "the shipped params make every condition that has a record"
    with pytest.raises(ParamsError, match=r"`all` has to be \{<<: \[\*pinned, \*edited, \*enhanced\]\}"):
        load_section(Conditions, {"conditions": {**document, "edited": {"amplified": None}}})


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"outside": {"file": "a.csv"}}, "`test` is missing"),
        ({"test": {"file": "a.csv"}}, "`test` is the test split"),
        ({"test": {"file": "data/test"}, "more": {"file": "data/test"}}, "needs `modifiers: unseen`"),
        ({"test": {"file": "data/test", "modifiers": "unseen"}}, "`test` is the test split"),
        ({"test": {"file": "data/test"}, "b": {"file": "b.csv", "modifiers": "unseen"}}, "of the test split"),
        ({"test": {"file": "data/test", "conditions": ["noun"]}}, "has all of `conditions`"),
        ({"test": {"file": "data/test"}, "A b": {"file": "a.csv"}}, "no name for prompts"),
    ],
)
def test_prompts_are_the_test_split_and_files_under_names_of_their_own(named: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(said)):
        load_section(Prompts, {"prompts": named})


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ParamsError, match=r"sampler\.guidance: unknown key"):
        load_section(Sampler, {"sampler": {**DOCUMENT["sampler"], "guidance": 2}})
