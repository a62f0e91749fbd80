"""The stage `collect` with sources on the web: rows, replay, a killed run, takedowns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from commons_like import CommonsLike, File, atlas_files
from culturebench.artifacts import candidates, screened
from culturebench.errors import CultureBenchError
from culturebench.params import load_region
from culturebench.sources.queries import Asked, queries
from culturebench.sources.snapshot import Snapshot
from culturebench.store import Store
from data_project import write_data_project
from import_graph import ROOT
from stages import collect, screen
from web_rules import RULES

TABLE = Path("data/candidates/vn.parquet")


@pytest.fixture(scope="module")
def files() -> list[File]:
    region = load_region(Asked, "vn", ROOT / "annotations/regions")
    return atlas_files("vn", [query.text for query in queries(region)], 150, 140)


@pytest.fixture
def server(files: list[File]) -> Iterator[CommonsLike]:
    with CommonsLike(files) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, server: CommonsLike, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose Vietnam comes from the server, with a store of its own, as the current folder."""
    root = tmp_path / "project"
    asked = {**RULES, "deadline": 1.5, "test_addresses": [server.address]}
    source = {"kind": "commons", "url": server.api, "regions": ["vn"], "categories": 0}
    write_data_project(root, ["vn"], [source], collect={"web": asked, "snapshot": "first", "min_ok": 0.5})
    monkeypatch.chdir(root)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    return root


def change(**values: Any) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["collect"] |= values
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def collected() -> list[dict[str, Any]]:
    collect.STAGE.execute(region="vn")
    return candidates.TABLE.load(TABLE)


def test_failures_are_rows_beside_the_pictures_and_screening_keeps_their_reasons(
    project: Path, server: CommonsLike
) -> None:
    rows = collected()
    expected = server.expected()
    assert {row["file_name"]: row["error"] for row in rows} == expected
    for row in rows:
        file = server.files[f"File:{row['file_name']}"]
        assert row["status"] == ("failed" if row["error"] else "ok")
        assert (row["sha256"], row["size_bytes"]) == ((file.sha256, len(file.data)) if row["image"] else ("", 0))
        assert row["page_url"] and row["author"] and row["query"] and row["source"] == "commons"
    screen.STAGE.execute(region="vn")
    reasons = {row["file_name"]: row["reason"] for row in screened.TABLE.load(Path("data/screened/vn.parquet"))}
    assert all(reasons[name] == error for name, error in expected.items() if error)
    bad = {name for name, error in expected.items() if not error and _unlicensed(server, name)}
    assert bad and all(reasons[name] in ("licence", "too_small", "truncated", "same_bytes") for name in bad)


def _unlicensed(server: CommonsLike, name: str) -> bool:
    return server.files[f"File:{name}"].finding.planted == "badly_licensed"


def test_a_table_is_the_same_to_the_byte_however_the_fetching_went_and_without_the_web(
    project: Path, server: CommonsLike, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected()
    first = TABLE.read_bytes()
    change(web={**RULES, "deadline": 1.5, "test_addresses": [server.address], "workers": 2, "per_host": 1})
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "another store"))
    collected()
    assert TABLE.read_bytes() == first
    asked = len(server.asked)
    server.close()
    collected()
    assert TABLE.read_bytes() == first and len(server.asked) == asked


def test_other_regions_ask_nothing(project: Path, server: CommonsLike) -> None:
    collect.STAGE.execute(region="jp")
    assert candidates.TABLE.load(Path("data/candidates/jp.parquet")) == [] and server.asked == []


def test_a_bad_harvest_fails_and_is_mended_by_asking_again_for_what_may_pass(
    project: Path, files: list[File], monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = [True]
    with CommonsLike([file for file in files if not file.manner][:40], faults=False) as server:
        genuine = server._file
        server._file = lambda name, request: request.send(b"", 503) if ill else genuine(name, request)  # type: ignore[method-assign]
        source = {"kind": "commons", "url": server.api, "categories": 0}
        change(sources=[source], web={**RULES, "tries": 1, "test_addresses": [server.address]})
        with pytest.raises(CultureBenchError, match="40 of 40 files could not be read \\(http_503 40\\)"):
            collected()
        assert not TABLE.exists()
        ill.clear()
        assert all(row["status"] == "ok" for row in collected())


def test_a_takedown_leaves_a_tombstone_and_collecting_anew_does_not_bring_it_back(
    project: Path, server: CommonsLike, tmp_path: Path
) -> None:
    gone = next(row for row in collected() if row["status"] == "ok")
    line = {"sha256": gone["sha256"], "reason": "asked by its author"}
    Path("annotations/removed.jsonl").write_text(json.dumps(line) + "\n")
    for label in ("first", "second"):
        change(snapshot=label)
        row = next(row for row in collected() if row["file_name"] == gone["file_name"])
        assert (row["picture_id"], row["status"], row["error"]) == (gone["picture_id"], "failed", "removed")
        assert row["image"] is None and row["page_url"] == gone["page_url"]
        assert gone["image"] not in TABLE.read_bytes()


@pytest.mark.slow
def test_a_killed_run_goes_on_without_fetching_anything_twice(project: Path, files: list[File], tmp_path: Path) -> None:
    plain = [file for file in files if not file.manner]
    with CommonsLike(plain, faults=False) as server:
        rules = {**RULES, "interval": 0.02, "workers": 3, "test_addresses": [server.address]}
        change(sources=[{"kind": "commons", "url": server.api, "categories": 0}], web=rules)
        store = Snapshot(Store(str(tmp_path / "store")), "first")
        for wanted in (30, 70):
            run = _start()
            while sum(path.startswith("/files/") for path in server.asked) < wanted:
                assert run.poll() is None
                time.sleep(0.01)
            run.kill()
            run.wait()
        before = Counter(server.asked)
        kept = [path for path in before if path.startswith("/files/") and store.outcome(server.url + path)]
        assert _start().wait() == 0
        after = Counter(server.asked)
        assert kept and all(after[path] == before[path] for path in kept)
        assert all(after[path] == before[path] for path in before if "/api.php" in path)
        again = [path for path, times in after.items() if path != "/robots.txt" and times > 1]
        assert len(again) <= 2 * 3  # what was on its way when the run was killed
        rows = candidates.TABLE.load(TABLE)
        assert {row["image"] for row in rows} == {file.data for file in plain}


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "stages.collect", "--region", "vn"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
