"""A finished data half of three small regions, and a release of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from culturebench.params.release import Release
from culturebench.release.make import release
from data_project import run_data_half, write_data_project

REGIONS = ["jp", "nl", "tr"]
SETTINGS = Release(name="culturebench", url="", shard_megabytes=1)


@pytest.fixture(scope="package")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data half in which everything is done; tests change copies of it only."""
    root = tmp_path_factory.mktemp("released") / "project"
    planted = dict.fromkeys(("blurred", "mislabelled", "plain", "truncated", "too_small"), 0.0)
    planted |= {"near_duplicate": 0.1, "badly_licensed": 0.1}
    source = {"kind": "atlas", "pictures": 40, "size": 256, "planted": planted}
    write_data_project(root, REGIONS, [source], split={"train": 3, "test": 2, "detect": 2})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        from culturebench.atlas.annotators import main

        main(["--params", "params.yaml", "--folder", "annotations/decisions"])
        run_data_half(REGIONS)
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in the current folder, to be changed."""
    root = tmp_path / "project"
    shutil.copytree(finished, root)
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="package")
def released(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release."""
    root = tmp_path_factory.mktemp("release")
    shutil.copytree(finished, root / "project")
    return release(root / "project", root / "release", "1.0.0", SETTINGS, REGIONS).folder
