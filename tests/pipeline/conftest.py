"""One finished run of a shrunken project, shared by all tests of the pipeline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from culturebench.label_studio import local
from workspace import Workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace in which everything is up to date; tests change copies of it only."""
    workspace = Workspace.fresh(tmp_path_factory.mktemp("finished"))
    started = time.monotonic()
    outcomes = workspace.repro()
    assert set(outcomes.values()) == {"ran"}
    yield replace(workspace, seconds=time.monotonic() - started)
    local.stop(Path(workspace.environment["CULTUREBENCH_LABEL_STUDIO"]))


@pytest.fixture
def workspace(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished one, to be changed."""
    return finished.copy(tmp_path)
