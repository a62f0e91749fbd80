"""What the flow does by itself: which groups wait for a device, and what it tells of a run."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml

from flows import jobs, results
from flows.outcomes import Outcome, StageOutcome
from import_graph import ROOT, closure, foreign_imports, python_files

STAGES = {file.split("/")[1].removesuffix(".py") for file in python_files("stages") if file.split("/")[1][0] != "_"}


def test_every_stage_that_computes_with_torch_waits_for_its_device() -> None:
    computing = {name for name in STAGES if "torch" in foreign_imports(closure(f"stages/{name}.py"))}
    assert computing == jobs.DEVICE


DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_every_deployment_names_a_flow_that_there_is(deployment: dict[str, Any]) -> None:
    file, name = deployment["entrypoint"].split(":")
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    assert getattr(module, name).name == deployment["name"]


def test_the_table_of_metrics_says_what_has_changed_and_what_is_new() -> None:
    before = {"atlas": {"noun": {"culture_vqa": 0.25, "object_vqa": 0.9}}}
    now = {
        "atlas": {
            "noun": {"culture_vqa": 0.3, "object_vqa": 0.9, "minus": {"noun_en": {"culture_vqa": 0.1}}},
            "masked": {"culture_vqa": 0.1},
        }
    }
    assert results.metrics_table(now, before) == [
        {"model": "atlas", "condition": "noun", "culture_vqa": "0.300 (+0.050)", "object_vqa": "0.900"},
        {"model": "atlas", "condition": "masked", "culture_vqa": "0.100 (new)"},
    ]


def test_the_table_of_stages_begins_with_those_that_were_not_cached() -> None:
    found = {
        "split": StageOutcome("split", Outcome.RESTORED, 1.25),
        "judge": StageOutcome("judge", Outcome.CACHED, 0.5),
        "report": StageOutcome("report", Outcome.RAN, 3.0),
    }
    assert results.stages_table(["collect", "split", "judge", "report"], found) == [
        {"stage": "split", "outcome": "restored", "seconds": 1.2},
        {"stage": "report", "outcome": "ran", "seconds": 3.0},
        {"stage": "collect", "outcome": "cached", "seconds": 0.0},
        {"stage": "judge", "outcome": "cached", "seconds": 0.5},
    ]


@pytest.mark.parametrize("name", python_files("flows"))
def test_flows_are_light(name: str) -> None:
    assert not foreign_imports(closure(name)) & {"torch", "transformers", "diffusers"}
