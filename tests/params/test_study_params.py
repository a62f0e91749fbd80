"""What a plan of the study cannot be is said before anything is made, with the key to change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from culturebench.checks import problems
from import_graph import ROOT


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """What is wrong with params.yaml when its study is another."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("regions", "labeling"):
        shutil.copytree(ROOT / "annotations" / folder, root / "annotations" / folder)
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))

    def ask(models: Any = None, **changed: Any) -> list[str]:
        study = {**document["study"], **changed} if changed else {}
        beside = {"models": {**document["models"], **models}} if models else {}
        (root / "params.yaml").write_text(yaml.safe_dump({**document, **beside, "study": study}), encoding="utf-8")
        return problems(root)

    return ask


def test_no_study_and_one_with_people_are_fine(told: Callable[..., list[str]]) -> None:
    assert told() == [] and told(scripted=None) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"conditions": ["amplified", "masked"]}, "study: conditions must name noun"),
        ({"conditions": ["noun", "noun"]}, "study: conditions names one twice"),
        ({"conditions": ["noun", "painted"]}, "study.conditions: no pictures are made under 'painted'"),
        ({"seeds": [0, 3]}, "study.seeds: other_region_amplified has no pictures with seed 3; it has: 0, 1"),
        ({"prompts_per_region": {"scc": 3, "mcc": 1, "csr": 1}}, "generate.prompts_per_region is 4"),
        ({"prompts_per_region": {"scc": 0, "mcc": 0, "csr": 0}}, "study: prompts_per_region is 0 for every kind"),
        ({"model": "sdxl"}, "study.model: 'sdxl' is not in `models`"),
        ({"scripted": {"judge": "nobody", "clickers": 1}}, "study.scripted.judge: 'nobody' is not in `judges`"),
        ({"salt": ""}, "study.salt"),
        ({"people": 0}, "study.people"),
        ({"blocks": 3}, "study.blocks: unknown key"),
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_is_refused(changed: Any, said: str, told: Callable[..., list[str]]) -> None:
    (found,) = told(**changed)
    assert said in found and found.startswith("params.yaml: ")


def test_people_are_not_asked_for_edits_of_a_model_that_cannot_be_edited(told: Callable[..., list[str]]) -> None:
    plain = {"adapter": "show_o2", "towers": [], "pin": "atlas_backbone", "command": ["python"]}
    (found,) = told({"plain": plain}, model="plain", scripted=None)
    assert found.startswith("params.yaml: study.conditions: plain makes no pictures of other_region_amplified, ")
    assert told({"plain": plain}, model="plain", scripted=None, conditions=["noun", "cultural"]) == []
