"""Every example of a real model fits into params.yaml: it is valid, and DVC makes a pipeline of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from culturebench.checks import problems
from culturebench.params.encoders import Encoders
from culturebench.params.models import Models
from culturebench.text_to_image.loading import ENCODERS, MODELS
from culturebench.text_to_image.systems import edited_tower
from import_graph import ROOT

EXAMPLES = sorted((ROOT / "examples/models").glob("*.yaml"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the checks and DVC read of the project."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("annotations", ".dvc"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("cache", "tmp"))
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)  # DVC asks for one
    return tmp_path


def switch(project: Path, example: Path) -> dict[str, dict[str, object]]:
    """Put the example's entries into params.yaml as its first lines say."""
    document = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    entries = yaml.safe_load(example.read_text(encoding="utf-8"))
    document["pins"].update(entries["pins"])
    document.update({section: entries[section] for section in ("encoders", "models")})
    (project / "params.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return entries


def stage_names(project: Path) -> set[str]:
    with Repo(os.fspath(project)) as repo:
        found: list[Any] = list(repo.index.stages)
        return {stage.name for stage in found}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_and_dvc_makes_a_pipeline_of_it(project: Path, example: Path) -> None:
    entries = switch(project, example)
    assert problems(project) == []
    stages = stage_names(project)
    assert stages >= {f"pin_model@{pin}" for pin in entries["pins"]}
    assert stages >= {f"probe_layers@{encoder}" for encoder in entries["encoders"]}
    assert stages >= {f"generate@{model}-noun" for model in entries["models"]}


def test_there_is_an_example_for_every_adapter_and_each_edits_a_tower_of_its_own() -> None:
    used, towers = set[str](), set[str]()
    for example in EXAMPLES:
        entries = yaml.safe_load(example.read_text(encoding="utf-8"))
        towers |= {encoder.adapter for encoder in Encoders.model_validate(entries["encoders"]).root.values()}
        for model in Models.model_validate(entries["models"]).root.values():
            used.add(model.adapter)
            assert model.adapter == "show_o2" or edited_tower(model) in entries["encoders"]
    assert used == set(MODELS) - {"atlas"}
    assert towers == set(ENCODERS)


@pytest.mark.parametrize("name", ["qwen3_vl", "gemini"])
def test_the_example_of_a_judge_is_valid_and_its_stages_stand_in_the_graph(project: Path, name: str) -> None:
    document = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    entries = yaml.safe_load((ROOT / f"examples/judges/{name}.yaml").read_text(encoding="utf-8"))
    for section in entries:
        document[section].update(entries[section])
    (project / "params.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    assert problems(project) == []
    bound = {f"pin_model@{pin}" for pin in entries.get("pins", {})} | {f"bind_judge@{name}"}
    assert stage_names(project) >= bound | {f"judge@{name}-atlas-noun"}


AUDITS = sorted((ROOT / "examples/audits").glob("*.yaml"))


@pytest.mark.parametrize("example", AUDITS, ids=lambda path: path.stem)
def test_the_example_of_an_audit_is_valid_and_its_stages_stand_in_the_graph(project: Path, example: Path) -> None:
    document = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    entries = yaml.safe_load(example.read_text(encoding="utf-8"))
    for section in entries:
        document[section].update(entries[section])
    (project / "params.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    assert problems(project) == []
    name = example.stem
    assert stage_names(project) >= {
        *(f"pin_model@{name}", "pin_model@cvqa", "make_questions@cvqa"),
        *(f"{stage}@{name}" for stage in ("probe_vlm", "select_vlm_neurons", "silence", "audit_judge")),
    }


def test_without_audits_and_questions_their_stages_are_gone(project: Path) -> None:
    document = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    document |= {"audits": {}, "questions": {}}
    (project / "params.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    assert problems(project) == []
    stages = {name.split("@")[0] for name in stage_names(project)}
    assert not stages & {"make_questions", "probe_vlm", "select_vlm_neurons", "silence", "audit_judge"}
