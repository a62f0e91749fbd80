"""Some of Vietnam's keywords, and files of the atlas that servers on this machine give for them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from commons_like import File, atlas_files
from culturebench.params import load_region
from culturebench.params.engine import Engine
from culturebench.sources import openverse
from culturebench.sources.opening import GOOGLE_KEY, OnlineSources
from culturebench.sources.queries import Asked, Query, queries
from culturebench.sources.snapshot import Snapshot
from culturebench.store import Store
from import_graph import ROOT
from loopback import Server
from search_like import KEY
from web_rules import rules

LOCAL = Engine(kind="local", workers=2, address=None, cpus_per_worker=1, gpus_per_worker=0)
SECRETS = {GOOGLE_KEY: KEY, openverse.TOKEN: KEY}
Opener = Callable[..., Any]


@pytest.fixture(scope="session")
def vietnam() -> Asked:
    region = load_region(Asked, "vn", ROOT / "annotations/regions")
    few = {category: region.keywords[category] for category in ("instruments", "landscape")}
    return region.model_copy(update={"keywords": few, "subdivisions": {"dong_son": region.subdivisions["dong_son"]}})


@pytest.fixture(scope="session")
def words(vietnam: Asked) -> list[Query]:
    return queries(vietnam)


@pytest.fixture(scope="session")
def files(words: list[Query]) -> list[File]:
    return atlas_files("vn", list(dict.fromkeys(query.text for query in words)), 120, 96)


@pytest.fixture
def sources(vietnam: Asked, tmp_path: Path) -> Opener:
    """Opens the way to some servers; what they answer is kept in one store."""

    @contextmanager
    def opened(
        *servers: Server, label: str = "first", removed: Any = (), secrets: Any = SECRETS, **changes: Any
    ) -> Generator[OnlineSources]:
        settings = rules(*(server.address for server in servers), **{"deadline": 1.5, **changes})
        snapshot = Snapshot(Store(str(tmp_path / "store")), label)
        with OnlineSources(settings, snapshot, vietnam, removed, secrets.get, LOCAL) as web:
            yield web

    return opened
