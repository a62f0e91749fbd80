"""Two runs write the same bytes, whoever starts them and however many stages are at work at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


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
