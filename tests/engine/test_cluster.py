"""`map_batches` on a Ray cluster of two nodes, both on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.cluster_utils import Cluster

from commons_like import CommonsLike, atlas_files
from culturebench.artifacts import candidates
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import EngineError, each
from culturebench.params import load_region
from culturebench.params.engine import Engine
from culturebench.sources.queries import Asked, queries
from data_project import write_data_project
from import_graph import ROOT
from loopback import Request
from method_project import write_method_project
from small_work import square
from squares_on_ray import RESULT
from tiny_project import WORDS, write_project
from tiny_system import write_weights
from web_rules import RULES

NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100_000_000}
BATCHES = 24
SQUARES = [number * number for number in range(2 * BATCHES)]
PATIENCE = 180.0  # seconds for a cluster on a busy machine
CODE = f"{ROOT}{os.pathsep}{ROOT / 'tests/support'}"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head and a second node, each for one worker; their workers find this project's code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # on a busy machine Ray's own 15 means never
        patch.setenv("PYTHONPATH", CODE)
        started = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        started.add_node(**NODE)
        yield started
        started.shutdown()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "work").mkdir()
    return tmp_path / "work", tmp_path / "store"


def start(cluster: Cluster, folders: tuple[Path, Path]) -> subprocess.Popen[str]:
    script = ROOT / "tests/support/squares_on_ray.py"
    return subprocess.Popen(
        [sys.executable, script, str(cluster.address), *folders, str(BATCHES)],
        cwd=folders[0],
        env={**os.environ, "PYTHONPATH": CODE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(driver: subprocess.Popen[str]) -> list[int]:
    printed, complaints = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, complaints
    (line,) = (line for line in printed.splitlines() if line.startswith(RESULT))
    return json.loads(line.removeprefix(RESULT))


def done(work: Path) -> list[int]:
    """The first number of every batch that was done, once for each time."""
    return [int(path.name.split("-")[1]) for path in work.glob("done-*")]


def wait_for(work: Path, count: int) -> None:
    until = time.monotonic() + PATIENCE
    while len(done(work)) < count:
        assert time.monotonic() < until, f"{len(done(work))} of {count} batches were done"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_killed_node_loses_at_most_the_batch_it_was_at(cluster: Cluster, folders: tuple[Path, Path]) -> None:
    driver = start(cluster, folders)
    wait_for(folders[0], 6)
    (other,) = cluster.worker_nodes
    cluster.remove_node(other, allow_graceful=False)
    try:
        assert result(driver) == SQUARES
    finally:
        cluster.add_node(**NODE)
    assert sorted(set(done(folders[0]))) == list(range(0, 2 * BATCHES, 2))
    assert len(done(folders[0])) <= BATCHES + 1
    assert len(list(folders[0].glob("loaded-*"))) == 2  # once in each actor, and not for each batch


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_killed_driver_loses_at_most_the_batches_in_flight(cluster: Cluster, folders: tuple[Path, Path]) -> None:
    driver = start(cluster, folders)
    wait_for(folders[0], 6)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    before = len(done(folders[0]))
    assert 6 <= before < BATCHES
    assert result(start(cluster, folders)) == SQUARES
    assert len(done(folders[0])) <= BATCHES + 2  # two workers were at one batch each
    assert sorted(set(done(folders[0]))) == list(range(0, 2 * BATCHES, 2))


STAGES = """
from stages import generate, generate_edited, judge
generate.STAGE.execute(model="atlas", condition="noun")
generate_edited.STAGE.execute(model="atlas", condition="amplified")
judge.STAGE.execute(judge="tiny", model="atlas", condition="noun")
"""


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_stages_write_the_same_bytes_on_a_cluster_as_on_one_machine(cluster: Cluster, tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "weights", WORDS)
    made: dict[str, dict[str, bytes]] = {}
    for kind in ("local", "ray"):
        root = tmp_path / kind
        root.mkdir()
        write_project(root, weights)
        set_engine(root, kind=kind, address=cluster.address)
        environment = {**os.environ, "PYTHONPATH": CODE, "CULTUREBENCH_STORE": str(tmp_path / f"store-{kind}")}
        subprocess.run([sys.executable, "-c", STAGES], cwd=root, env=environment, check=True, capture_output=True)
        made[kind] = {str(path.relative_to(root)): path.read_bytes() for path in (root / "data").rglob("*.parquet")}
    assert len([name for name in made["local"] if name.startswith(("data/pictures/", "data/answers/"))]) == 3
    assert made["ray"] == made["local"]
    assert cached_names(tmp_path / "store-ray") == cached_names(tmp_path / "store-local")


PROBES = """
from stages import check_layers, probe_layers
probe_layers.STAGE.execute(encoder="tiny")
check_layers.STAGE.execute(encoder="tiny")
"""


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_probes_write_the_same_bytes_on_a_cluster_as_on_one_machine(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, dict[str, bytes]] = {}
    for kind in ("local", "ray"):
        root = tmp_path / kind
        root.mkdir()
        monkeypatch.chdir(root)
        write_method_project(root)
        set_engine(root, kind=kind, address=cluster.address)
        environment = {**os.environ, "PYTHONPATH": CODE, "CULTUREBENCH_STORE": str(tmp_path / f"store-{kind}")}
        subprocess.run([sys.executable, "-c", PROBES], cwd=root, env=environment, check=True, capture_output=True)
        folders = [root / "data" / name for name in ("probe", "check")]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        made[kind] = {str(path.relative_to(root)): path.read_bytes() for path in files}
    assert len(made["local"]) == 3
    assert made["ray"] == made["local"]
    assert cached_names(tmp_path / "store-ray") == cached_names(tmp_path / "store-local")


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_pictures_of_the_web_are_fetched_by_a_cluster_as_by_one_machine_and_no_host_is_asked_more_often(
    cluster: Cluster, tmp_path: Path
) -> None:
    region = load_region(Asked, "vn", ROOT / "annotations/regions")
    files = atlas_files("vn", [query.text for query in queries(region)], 60, 96)
    tables: dict[str, bytes] = {}
    with CommonsLike(files) as server:
        times = arrivals(server)
        source = {"kind": "commons", "url": server.api, "categories": 0}
        web: dict[str, Any] = {**RULES, "interval": 0.1, "deadline": 1.5, "test_addresses": [server.address]}
        for kind in ("local", "ray"):
            times.clear()
            root = tmp_path / kind
            write_data_project(root, ["vn"], [source], collect={"web": web, "snapshot": "first", "min_ok": 0.5})
            set_engine(root, kind=kind, address=cluster.address, workers=2)
            environment = {**os.environ, "PYTHONPATH": CODE, "CULTUREBENCH_STORE": str(tmp_path / f"store-{kind}")}
            command = [sys.executable, "-m", "stages.collect", "--region", "vn"]
            subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
            table = root / candidates.PATH.format(region="vn")
            assert {row["file_name"]: row["error"] for row in candidates.TABLE.load(table)} == server.expected()
            tables[kind] = table.read_bytes()
            assert len(times) > len(files)
            assert times[-1] - times[0] > 0.9 * web["interval"] * (len(times) - 1)
    assert tables["ray"] == tables["local"]


def arrivals(server: CommonsLike) -> list[float]:
    """When the server is asked for anything, from now on."""
    times: list[float] = []
    answer = server.answer

    def noted(path: str, request: Request) -> None:
        times.append(time.monotonic())
        answer(path, request)

    server.answer = noted
    return times


def set_engine(root: Path, **values: Any) -> None:
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["engine"] |= values
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def cached_names(store: Path) -> set[str]:
    names = {path.name for path in store.rglob("*") if path.is_file()}
    assert names
    return names


def test_without_ray_the_error_gives_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "culturebench.engine.cluster", raising=False)
    engine = Engine(kind="ray", workers=1, address=None, cpus_per_worker=1, gpus_per_worker=0)
    with pytest.raises(EngineError, match=r"pip install --editable '\.\[ray\]'"):
        next(map_batches(each(square), [[1]], engine=engine, label="test"))
