"""What is purged leaves DVC's cache, its run cache and its remotes, and nothing else does: in a real small project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows import dvc

SECRET, OTHER = "to be forgotten", "to be kept"


def call(root: Path, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True, env=os.environ, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two stages, one with a folder of two files; all of it pushed."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    root = tmp_path / "project"
    root.mkdir()
    call(root, "init", "--no-scm", "--quiet")
    call(root, "remote", "add", "--default", "team", str(tmp_path / "remote"))
    (root / "in.txt").write_text(SECRET)
    stages = {
        "one": {"cmd": "cp in.txt out.txt", "deps": ["in.txt"], "outs": ["out.txt"]},
        "two": {
            "cmd": f"mkdir -p folder && cp out.txt folder/a && echo {OTHER} > folder/b",
            "deps": ["out.txt"],
            "outs": ["folder"],
        },
    }
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    call(root, "repro", "--quiet")
    call(root, "push", "--run-cache", "--quiet")
    return root


def holders(folder: Path, text: str) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.relative_to(folder).as_posix() for path in files if path.read_text(errors="replace").strip() == text]


def test_an_object_leaves_cache_and_remote_and_no_run_brings_it_back(project: Path) -> None:
    cache, remote = dvc.cache_folder(root=project), project.parent / "remote"
    (held,) = holders(cache, SECRET)
    assert holders(remote, SECRET) and holders(cache, OTHER)
    folders = list(cache.rglob("*.dir"))
    purged = dvc.purge([held.removeprefix("files/md5/").replace("/", "")], root=project)
    assert (purged.objects, purged.remotes, purged.failed) == (2, {"team": 2}, {})  # the file, and the folder's list
    assert not holders(cache, SECRET) and not holders(remote, SECRET)
    assert holders(cache, OTHER) and holders(remote, OTHER)
    assert folders and not [path for path in folders if path.exists()]
    assert not [path for path in (cache / "runs").rglob("*") if path.is_file()]
    for path in ("in.txt", "out.txt", "folder/a"):
        (project / path).unlink()
    (project / "in.txt").write_text("another text")
    outcomes = {outcome.stage: outcome.outcome.value for outcome in dvc.reproduce(root=project)}
    assert outcomes == {"one": "ran", "two": "ran"}
    assert not holders(project, SECRET)


@pytest.mark.slow
def test_a_remote_that_cannot_be_asked_leaves_the_cache_as_it_is(project: Path) -> None:
    cache = dvc.cache_folder(root=project)
    (held,) = holders(cache, SECRET)
    call(project, "remote", "add", "away", "s3://nowhere/at-all")
    call(project, "remote", "modify", "away", "endpointurl", "http://127.0.0.1:1")
    call(project, "remote", "modify", "away", "access_key_id", "nobody")
    call(project, "remote", "modify", "away", "secret_access_key", "not-to-be-shown")
    purged = dvc.purge([held.removeprefix("files/md5/").replace("/", "")], root=project)
    assert list(purged.failed) == ["away"] and "not-to-be-shown" not in str(purged)
    assert purged.objects == 0 and holders(cache, SECRET) == [held]
    call(project, "remote", "remove", "away")
    assert dvc.purge([held.removeprefix("files/md5/").replace("/", "")], root=project).objects == 2
    assert not holders(cache, SECRET)
