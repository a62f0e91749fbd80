"""Results go to DVC's remote and to a branch that nobody has checked out; the workspace stays as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows import dvc
from flows.publish import BRANCH, PublishError, commit_to_branch, publish

PIPELINE = """
stages:
  evaluate:
    cmd: python evaluate.py
    deps: [evaluate.py]
    outs: [data.txt]
    metrics: [reports/metrics/evaluation.json]
"""
CODE = """
import pathlib
pathlib.Path("data.txt").write_text("pictures")
pathlib.Path("reports/metrics").mkdir(parents=True, exist_ok=True)
pathlib.Path("reports/metrics/evaluation.json").write_text('{"accuracy": 0.5}')
"""


def git(project: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=me", "-c", "user.email=me@localhost", *arguments]
    return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A finished pipeline with a DVC remote and an `origin`, both folders."""
    root, origin = tmp_path / "project", tmp_path / "origin"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", root], check=True)
    subprocess.run(["git", "init", "--quiet", "--bare", origin], check=True)
    for arguments in (["init", "--quiet"], ["remote", "add", "--quiet", "--default", "store", str(tmp_path / "store")]):
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, check=True)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "evaluate.py").write_text(CODE)
    (root / "params.yaml").write_text("size: 1\n")
    (root / ".gitignore").write_text("/data.txt\n/reports\n")
    git(root, "remote", "add", "origin", str(origin))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "start")
    dvc.reproduce(root=root)
    return root


def test_outputs_metrics_and_the_lock_are_handed_on_and_the_workspace_stays(project: Path, tmp_path: Path) -> None:
    before = git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")
    commit = publish(project, lambda line: None)
    assert (git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")) == before
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--branch", BRANCH, tmp_path / "origin", clone], check=True)
    assert git(clone, "rev-parse", "HEAD") == commit
    assert json.loads((clone / "published/evaluation.json").read_text()) == {"accuracy": 0.5}
    assert (clone / "dvc.lock").read_bytes() == (project / "dvc.lock").read_bytes()
    subprocess.run([sys.executable, "-m", "dvc", "pull", "--quiet"], cwd=clone, check=True)
    assert (clone / "data.txt").read_text() == "pictures"
    assert dvc.look(root=clone).stale == {}


def test_the_same_results_are_committed_once_and_others_on_top_of_them(project: Path) -> None:
    first = publish(project, lambda line: None)
    assert publish(project, lambda line: None) == first
    (project / "params.yaml").write_text("size: 2\n")
    second = publish(project, lambda line: None)
    assert git(project, "rev-parse", f"{second}^") == first


def test_a_branch_that_is_checked_out_is_refused(project: Path) -> None:
    with pytest.raises(PublishError, match="main is checked out"):
        commit_to_branch(project, "main", {"params.yaml": project / "params.yaml"}, "no")
