"""One finished run of a shrunken project, shared by all tests of the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from culturebench.label_studio import local
from made_once import made_once
from workspace import Workspace


def run(folder: Path) -> None:
    """Everything, two stages at a time."""
    assert set(Workspace.fresh(folder).repro(jobs=2).values()) == {"ran"}


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """As the run left it, for all workers: nothing is changed in it and no command given."""
    return Workspace.of(made_once(tmp_path_factory, "finished", run))


@pytest.fixture(scope="session")
def finished(pristine: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace in which everything is up to date, this worker's own; tests change copies of it only."""
    workspace = pristine.copy(tmp_path_factory.mktemp("finished"))
    yield workspace
    local.stop(Path(workspace.environment["CULTUREBENCH_LABEL_STUDIO"]))


@pytest.fixture
def workspace(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished one, to be changed."""
    return finished.copy(tmp_path)
