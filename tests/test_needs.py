"""What the doctor says of the models, judges and measures that params.yaml names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from culturebench import needs
from culturebench.needs import Finding
from culturebench.pins import HUB_FILE
from culturebench.switching.add import add
from import_graph import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("annotations", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "culturebench").symlink_to(ROOT / "culturebench")
    return tmp_path


def found(project: Path, environment: Mapping[str, str] = {}, store: str = "store") -> dict[str, Finding]:
    return {finding.subject: finding for finding in needs.needs(project, environment, store)}


def edit(project: Path, old: str, new: str) -> None:
    path = project / "params.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_atlas_needs_nothing_that_a_clone_lacks(project: Path) -> None:
    (weights,) = found(project).values()
    assert weights.ok and weights.detail == "6 of 6 pins that params.yaml uses are there"


def test_every_pin_of_an_added_model_has_the_command_that_brings_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "_memory", lambda: (4e9, "a small GPU"))
    add(project, "sdxl", {"": COMMIT}, beside=True)
    said = found(project)
    assert said["pin sdxl"].needed and "`culturebench pins fetch sdxl`" in said["pin sdxl"].advice
    assert said["pin qwen3_vl"].advice.startswith("write its commit into params.yaml, then `culturebench pins fetch")
    memory = said["memory of sdxl"]
    assert not memory.ok and not memory.needed
    assert "6.9 GB of weights" in memory.detail and "a small GPU has 4.0 GB" in memory.detail
    assert memory.advice.startswith("models.sdxl.runtime.offload: model")
    assert "6.9 GB to fetch" in said["disk for sdxl"].detail
    folder = project / "models/weights/sdxl"
    folder.mkdir(parents=True)
    repo = "stabilityai/stable-diffusion-xl-base-1.0"
    (folder / HUB_FILE).write_text(json.dumps({"repo": repo, "commit": COMMIT}))
    (folder / "old.bin").write_text("x")
    said = found(project)
    assert said["pin sdxl"].advice == "`culturebench pins convert models/weights/sdxl/old.bin`"
    (folder / "old.bin").unlink()
    assert "pin sdxl" not in found(project)


def test_a_worker_and_the_weights_inside_its_folder_are_looked_for(project: Path) -> None:
    add(project, "show_o2", {}, beside=True)
    said = found(project)
    assert "there is no /path/to/Show-o/show-o2/.venv/bin/python" in said["worker of show_o2"].detail
    assert {"pin show_o2", "pin show_o2_7b", "pin show_o2_llm", "pin show_o2_siglip", "pin show_o2_vae"} <= set(said)
    edit(project, "/path/to/Show-o/show-o2/.venv/bin/python", "python")
    worker = found(project)["worker of show_o2"]
    assert worker.ok and "neither probed, edited nor trained" in worker.detail


def test_a_judges_key_and_libraries_are_asked_for_by_the_key_that_wants_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(project, "providers: [atlas, template]", "providers: [atlas, openai]")
    edit(project, "  kind: local  # local", "  kind: ray  # local")
    monkeypatch.setattr(needs, "find_spec", lambda name: None)
    said = found(project, store="s3://bucket/a")
    assert said["key of caption.openai"].detail == "OPENAI_API_KEY is not set" and said["key of caption.openai"].needed
    assert said["ray"].advice == "pip install --editable '.[ray]'" and said["ray"].detail == "engine.kind needs it"
    assert said["s3fs"].advice == "pip install --editable '.[s3]'"
    assert found(project, {"OPENAI_API_KEY": "k"})["key of caption.openai"].ok


def test_params_that_do_not_hold_are_one_line(project: Path) -> None:
    edit(project, "level: 0.95", "level: 7")
    (said,) = found(project).values()
    assert (said.subject, said.advice) == ("params.yaml", "run `culturebench validate`")
