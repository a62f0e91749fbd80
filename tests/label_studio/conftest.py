"""One real Label Studio for all modules of this folder: each test begins without projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from culturebench.label_studio import local, region as work
from studio import Expert, Studio, tasks
from studio_tables import write_gold, write_project

FEW = 12


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    binaries = local.install(Path(user_cache_dir("culturebench")))
    started = Studio.fresh(tmp_path_factory.mktemp("studio") / "home", binaries)
    yield started
    local.stop(started.home)


@pytest.fixture(scope="session")
def experts(server: Studio) -> tuple[Expert, Expert]:
    return server.expert("ai"), server.expert("emre")


@pytest.fixture
def studio(server: Studio) -> Studio:
    """It runs and holds no project: nothing depends on what another test has left there."""
    if not local.running(server.home):
        server.restart()
    server.empty()
    return server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a few pictures, three of them with a known answer."""
    found = tmp_path / "project"
    write_gold(found, write_project(found, FEW, gold=3)[:5])
    return found


@pytest.fixture
def sent(studio: Studio, root: Path) -> dict[str, int]:
    """Its tasks on the server: picture id -> number."""
    assert work.push(root, studio.server, studio.place, "jp").created == FEW
    return {name: number for name, (number,) in tasks(studio).items()}
