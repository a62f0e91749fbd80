"""Objects of DVC's cache that are not what their names say come back nowhere: they are dropped, stages run again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from culturebench import cli
from culturebench.artifacts import pins
from culturebench.errors import CultureBenchError
from culturebench.pins import pin_folder
from culturebench.stage import STORE_VARIABLE
from culturebench.store import Store
from flows import dvc, whole
from flows.dvc import Outcome

PIPELINE = """
stages:
  file:
    cmd: cp input.txt file.txt
    deps: [input.txt]
    outs: [file.txt]
  folder:
    cmd: mkdir folder && echo a > folder/a.txt && echo b > folder/b.txt
    deps: [input.txt]
    outs: [folder]
  list:
    cmd: mkdir list && echo c > list/c.txt
    deps: [input.txt]
    outs: [list]
"""
RAN, RESTORED = Outcome.RAN, Outcome.RESTORED


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=root, check=True)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "input.txt").write_text("one")
    assert outcomes(root) == {"file": RAN, "folder": RAN, "list": RAN}
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "project"))


def outcomes(project: Path, lines: list[str] | None = None) -> dict[str, Outcome]:
    found = dvc.reproduce(root=project, on_line=lines.append if lines is not None else lambda line: None)
    return {outcome.stage: outcome.outcome for outcome in found}


def remove_outs(project: Path) -> None:
    (project / "file.txt").unlink()
    shutil.rmtree(project / "folder")
    shutil.rmtree(project / "list")


def texts(project: Path) -> list[str]:
    return [(project / name).read_text() for name in ("file.txt", "folder/a.txt", "folder/b.txt", "list/c.txt")]


def object_of(project: Path, content: bytes) -> Path:
    objects = (path for path in (project / ".dvc/cache/files/md5").rglob("*") if path.is_file())
    return next(path for path in objects if content in path.read_bytes())


def damage(path: Path) -> str:
    """Change one bit and nothing that `stat` tells; returns the object's name."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return path.parent.name + path.name


def test_what_is_whole_comes_back_and_what_is_damaged_is_dropped_and_made_again(project: Path) -> None:
    remove_outs(project)
    dropped = [damage(object_of(project, content)) for content in (b"b\n", b'"relpath": "c.txt"')]
    lines: list[str] = []
    assert outcomes(project, lines) == {"file": RESTORED, "folder": RAN, "list": RAN}
    assert texts(project) == ["one", "a\n", "b\n", "c\n"]
    assert object_of(project, b"b\n") and object_of(project, b'"relpath": "c.txt"')
    said = [line for line in lines if line.startswith("Damaged")]
    assert len(said) == 2 and all(any(name in line for line in said) for name in dropped)


def test_a_noted_run_and_its_objects_are_looked_at_before_they_come_back(project: Path) -> None:
    (project / "input.txt").write_text("two")
    outcomes(project)
    damage(object_of(project, b"one"))
    for entry in (project / ".dvc/cache/runs").rglob("*"):
        if entry.is_file() and "path: list\n" in entry.read_text():
            entry.write_text(entry.read_text().replace("path: list\n", "path: lisp\n"))
    (project / "input.txt").write_text("one")
    assert outcomes(project) == {"file": RAN, "folder": RESTORED, "list": RAN}
    assert texts(project) == ["one", "a\n", "b\n", "c\n"]
    assert not (project / "lisp").exists()


@pytest.mark.parametrize("kind", ["copy", "symlink"])
def test_the_same_bytes_made_again_replace_a_damaged_object(project: Path, kind: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "config", "cache.type", kind], cwd=project, check=True)
    found = object_of(project, b"one")
    remove_outs(project)
    damage(found)
    shutil.rmtree(project / ".dvc/cache/runs")
    (project / "dvc.lock").unlink()
    assert outcomes(project) == {"file": RAN, "folder": RAN, "list": RAN}
    assert [*texts(project), found.read_text()] == ["one", "a\n", "b\n", "c\n", "one"]


def test_a_checkout_beside_the_workspace_gets_no_damaged_object(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("cache", "tmp", "file.txt", "folder", "list"))
    damage(object_of(project, b"b\n"))
    dvc.share_cache(project, other)
    assert (other / "file.txt").read_text() == "one"
    assert not (other / "folder/b.txt").exists()


def test_everything_is_looked_at_on_demand(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path / "store"))
    store.put("ab" * 32, b"paid for")
    monkeypatch.chdir(project)
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    weights = project / "weights/model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    for name in ("tiny", "elsewhere"):
        pin = pin_folder("tiny", Path("weights"))
        folder = "weights" if name == "tiny" else "on/another/machine"
        pins.save(project / pins.PATH.format(pin=name), replace(pin, folder=folder))
    cache = project / ".dvc/cache"
    assert whole.look_at_everything(project, cache) == whole.Found(6, 3, 3, (), (), ())
    well = CliRunner().invoke(cli.app, ["verify"])
    assert well.exit_code == 0 and "6 objects and 3 noted runs" in well.stdout and "1 results" in well.stdout
    assert "1 files of weights" in well.stdout

    run = next(path for path in (cache / "runs").rglob("*") if path.is_file())
    run.write_text(run.read_text().replace("md5: ", "md5: 0", 1))
    dropped = [damage(object_of(project, content)) for content in (b"b\n", b"one")]
    damage(tmp_path / "store/ab" / ("ab" * 32))
    damage(project / "list/c.txt")
    (project / "folder/new.txt").touch()
    weights.write_bytes(b"Weights")
    ill = CliRunner().invoke(cli.app, ["verify"])
    assert isinstance(ill.exception, CultureBenchError)
    said = [line for line in ill.stdout.splitlines() if line.startswith("Damaged")]
    gone = [*dropped, run.name, "ab" * 32]
    assert len(said) == len(gone) and all(any(name in line for line in said) for name in gone)
    assert "weights/model.safetensors changed: the pin tiny holds" in ill.stdout
    assert not run.exists() and store.get("ab" * 32) is None
    assert [line.split()[0] for line in ill.stdout.splitlines() if "is not what dvc.lock says" in line] == [
        "folder",
        "list",
    ]
