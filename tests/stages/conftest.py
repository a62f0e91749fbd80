"""A tiny project in the current folder, up to the point where pictures are generated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_project import WORDS, write_project
from tiny_system import write_weights


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of tiny random weights; tests do not change them."""
    return write_weights(tmp_path_factory.mktemp("weights"), WORDS)


@pytest.fixture
def project(tmp_path: Path, weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a store of its own."""
    root = tmp_path / "project"
    root.mkdir()
    write_project(root, weights)
    monkeypatch.chdir(root)
    monkeypatch.setattr("culturebench.stage.THREADS", 1)  # tests run side by side
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    return root
