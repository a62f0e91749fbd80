"""Two runs write the same bytes, and a run that is killed goes on where it was."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

KILLS = 10


def test_two_clean_runs_write_the_same_bytes_ours_and_one_of_plain_dvc(finished: Workspace, tmp_path: Path) -> None:
    another = Workspace.fresh(tmp_path)
    command = [sys.executable, "-m", "dvc", "repro", "--quiet"]
    subprocess.run(command, cwd=another.root, env=another.shell, check=True)
    assert another.lock() == finished.lock()
    assert list(another.lock()) == list(finished.lock())


def test_the_shrunken_atlas_is_the_same_file_by_file_whether_one_stage_runs_at_once_or_two(tmp_path: Path) -> None:
    left: list[tuple[bytes, dict[str, str], set[str]]] = []
    for jobs in (1, 2):
        workspace = Workspace.fresh(tmp_path / str(jobs))
        workspace.repro("split", jobs=jobs)
        runs = workspace.root / ".dvc/cache"
        kept = {path.relative_to(runs).as_posix() for path in runs.rglob("*") if path.is_file()}
        left.append(((workspace.root / "dvc.lock").read_bytes(), workspace.hashes(), kept))
    assert left[0] == left[1]


def test_a_run_killed_at_ten_random_moments_ends_as_an_undisturbed_one(finished: Workspace, tmp_path: Path) -> None:
    moments = random.Random(2)
    round_number = kills = 0
    workspace = Workspace.fresh(tmp_path / "0")
    while kills < KILLS:
        process = workspace.start()
        try:
            process.wait(moments.uniform(0.5, finished.seconds / 4))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            assert living(workspace) == []
            continue
        assert process.returncode == 0, workspace.printed.read_text(encoding="utf-8")[-2000:]
        assert (workspace.root / "dvc.lock").read_bytes() == (finished.root / "dvc.lock").read_bytes()
        round_number += 1
        workspace = Workspace.fresh(tmp_path / str(round_number))
    workspace.repro()
    assert workspace.lock() == finished.lock()
    assert set(workspace.repro().values()) == {"cached"}
    assert locks(workspace) == {}


def living(workspace: Workspace, patience: float = 10.0) -> list[str]:
    """Command lines of processes still at work there `patience` seconds after the kill."""
    deadline = time.monotonic() + patience
    while (found := working(workspace)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def working(workspace: Workspace) -> list[str]:
    """Command lines of the workspace's processes now; one that is being ended has none left."""
    found: list[str] = []
    for process in psutil.process_iter(["cwd", "cmdline", "status"]):
        where, command = process.info["cwd"], process.info["cmdline"]
        dead = process.info["status"] == psutil.STATUS_ZOMBIE or not command
        if where and not dead and Path(where).is_relative_to(workspace.root):
            found.append(" ".join(command))
    return found


def locks(workspace: Workspace) -> dict[str, object]:
    """DVC's locks on single paths."""
    path = workspace.root / ".dvc/tmp/rwlock"
    held = json.loads(path.read_text(encoding="utf-8") or "{}") if path.exists() else {}
    return {kind: paths for kind, paths in held.items() if paths}
