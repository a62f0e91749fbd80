"""A studio on a tiny project with random weights, and what its pages say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import tiny_project
from culturebench.explore.studio import Studio, open_studio
from import_graph import ROOT
from tiny_system import write_weights

MODEL = "atlas"
#: What the tiny tokenizer knows; its languages are no people's.
NOUN = "bowl_ja"


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of tiny random weights; tests do not change them."""
    return write_weights(tmp_path_factory.mktemp("weights"), [*tiny_project.WORDS, "椀", "お", "een", "kom"])


@pytest.fixture
def folder(tmp_path: Path, tiny_weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny project's root, which is the current folder."""
    tiny_project.write_project(tmp_path, tiny_weights)
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    change(tmp_path, lambda params: params.update(adapters={}, generate_adapted=whole["generate_adapted"]))
    (tmp_path / "annotations").mkdir(exist_ok=True)
    if not (tmp_path / "annotations/regions").exists():
        (tmp_path / "annotations/regions").symlink_to(ROOT / "annotations/regions")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("culturebench.stage.THREADS", 1)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    return tmp_path


@pytest.fixture
def studio(folder: Path) -> Studio:
    return open_studio(MODEL)


def change(root: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Change params.yaml."""
    path = root / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(params)
    path.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")
