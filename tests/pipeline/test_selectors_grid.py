"""The grid of selectors, on a shrunken project: stopped after a K, it goes on with the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from culturebench.artifacts import comparison
from import_graph import ROOT
from workspace import Workspace

pytestmark = pytest.mark.slow
RESULT = comparison.PATH.format(model="atlas")


def start(workspace: Workspace, printed: Path) -> subprocess.Popen[bytes]:
    """The command in a process group of its own."""
    command = [
        sys.executable, "-m", "benchmarks.selectors", "--project", workspace.root, "--page", printed.with_suffix(".md"),
        "--k", "1", "2",
    ]  # fmt: skip
    with printed.open("ab") as out:
        return subprocess.Popen(
            command, cwd=ROOT, env={**workspace.shell, "PYTHONPATH": str(ROOT)}, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip


def compared(grid: Path) -> bool:
    """Whether the first comparison is there and DVC has noted it."""
    result, lock = grid / RESULT, grid / "dvc.lock"
    written = result.is_file() and '"elbow"' in result.read_text(encoding="utf-8")
    return written and lock.is_file() and "compare_selectors@atlas:" in lock.read_text(encoding="utf-8")


def test_a_killed_grid_goes_on_and_repeats_no_comparison(workspace: Workspace, tmp_path: Path) -> None:
    printed, grid = tmp_path / "printed.txt", workspace.root / "build/selectors"
    running = start(workspace, printed)
    deadline = time.monotonic() + 600
    while not compared(grid):
        assert running.poll() is None and time.monotonic() < deadline, printed.read_text(errors="replace")
        time.sleep(0.2)
    time.sleep(1)  # DVC writes its notes to the end
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    before = printed.read_text(errors="replace").count("Running stage 'compare_selectors@atlas'")
    assert start(workspace, printed).wait() == 0, printed.read_text(errors="replace")
    said = printed.read_text(errors="replace")
    assert before in (1, 2)  # the second may have begun
    assert said.count("Running stage 'compare_selectors@atlas'") == before + 2  # K of 1 and 2, and never the elbow's
    assert said.count("Running stage 'train_sae@atlas'") == 1
    assert "3/3 [" in said  # how far it is, with its rate
    page = printed.with_suffix(".md").read_text(encoding="utf-8")
    for k in ("elbow", "1", "2"):
        assert f"| {k} | wfs | " in page
    for name in ("amplified", "random_amplified", "same_norm_steered_en"):
        assert f" | {name} | " in page
