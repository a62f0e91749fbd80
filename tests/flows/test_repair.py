"""A kill while DVC writes leaves half a file; the next run mends it and ends as an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from flows import dvc
from flows.outcomes import Outcome
from flows.repair import repair

PIPELINE = """
stages:
  copy:
    matrix: {letter: [a, b, c]}
    cmd: cp ${item.letter}.txt ${item.letter}.copy
    deps: ["${item.letter}.txt"]
    params: [answer, "${item.letter}"]
    outs: ["${item.letter}.copy"]
"""
PARAMS = "answer: {to: 42}\na: null\nb: [1, 2]\nc: {deep: {er: yes}}\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    subprocess.run(["git", "init", "--quiet", root], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=root, check=True)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "params.yaml").write_text(PARAMS)
    for letter in "abc":
        (root / f"{letter}.txt").write_text(letter * 1000)
    dvc.reproduce(root=root)
    return root


def test_a_whole_project_needs_no_repair(finished: Path) -> None:
    assert repair(finished) == []


def test_a_project_without_dvc_files_needs_no_repair(tmp_path: Path) -> None:
    assert repair(tmp_path) == []


def test_dvc_reads_its_lock_after_the_repair_wherever_it_was_cut(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.repair.PAUSE", 0)  # nobody is writing
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import load_yaml

    lock = finished / "dvc.lock"
    whole = lock.read_text()
    try:
        for length in range(len(whole)):
            lock.write_text(whole[:length])
            repair(finished)
            assert not lock.exists() or COMPILED_LOCKFILE_SCHEMA(load_yaml(lock)), length
    finally:
        lock.write_text(whole)


def test_a_cut_lock_comes_back_from_the_run_cache_without_running_a_stage(finished: Path) -> None:
    lock = finished / "dvc.lock"
    whole = lock.read_text()
    for length in [0, *random.Random(0).sample(range(len(whole)), 3)]:
        lock.write_text(whole[:length])
        outcomes = {outcome.outcome for outcome in dvc.reproduce(root=finished)}
        assert Outcome.RAN not in outcomes
        assert lock.read_text() == whole


DEAD = {"pid": 4194304, "cmd": "dvc repro"}  # no process has a number that high
OTHER = {"pid": os.getpid(), "cmd": "dvc repro"}


@pytest.mark.parametrize(
    "left",
    ["", '{"write": {"', "[]", json.dumps({"write": {"a.copy": DEAD}}), json.dumps({"read": {"a.txt": [DEAD, OTHER]}})],
    ids=["empty", "cut", "no mapping", "dead", "dead and not DVC"],
)
def test_path_locks_that_are_cut_or_of_the_dead_are_removed(finished: Path, left: str) -> None:
    lock = finished / ".dvc/tmp/rwlock"
    lock.write_text(left)
    assert {outcome.outcome for outcome in dvc.reproduce(root=finished)} == {Outcome.CACHED}
    assert not lock.exists() or not any(json.loads(lock.read_text()).values())


def test_path_locks_of_a_dvc_at_work_stay(finished: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "dvc"]) as living:
        lock = finished / ".dvc/tmp/rwlock"
        lock.write_text(json.dumps({"write": {"a.copy": {"pid": living.pid, "cmd": "dvc repro"}}}))
        try:
            assert repair(finished) == []
        finally:
            lock.unlink()
            living.kill()
