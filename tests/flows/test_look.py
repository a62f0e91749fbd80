"""A look asks each question once, and still says what DVC itself says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import dvc
from flows.repair import LockConflict
from flows.workspace import only_writer

PIPELINE = """
stages:
  copy:
    matrix: {letter: [a, b, c, d]}
    cmd: cp ${item.letter}.txt ${item.letter}.copy
    deps: ["${item.letter}.txt", shared.txt, folder]
    params: [answer, "${item.letter}", more.yaml: [deep.er, deep]]
    outs: ["${item.letter}.copy"]
  join:
    cmd: mkdir -p joined && cat a.copy b.copy > joined/both
    deps: [a.copy, b.copy, shared.txt]
    params: [answer]
    outs: [joined]
    metrics: [{numbers.json: {cache: false}}]
"""
PARAMS = "answer: {to: 42}\na: null\nb: [1, 2]\nc: 1e-8\nd: 'yes'\n"
CYCLE = "stages: {one: {cmd: x, deps: [b], outs: [a]}, two: {cmd: x, deps: [a], outs: [b]}}"


def run_dvc(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which every stage is up to date; tests change copies of it."""
    tmp_path = tmp_path_factory.mktemp("template")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    assert run_dvc(tmp_path, "init", "--quiet").returncode == 0
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "more.yaml").write_text("deep: {er: 3, est: 0}\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/one").write_text("one")
    for name in ("shared", "a", "b", "c", "d"):
        (tmp_path / f"{name}.txt").write_text(name)
    (tmp_path / "numbers.json").write_text("{}")
    (tmp_path / "joined").mkdir()
    for letter in "abcd":
        (tmp_path / f"{letter}.copy").write_text(letter)
    (tmp_path / "joined/both").write_text("ab")
    assert run_dvc(tmp_path, "commit", "--force", "--quiet").returncode == 0
    return tmp_path


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "project")


def said(root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The changes that a look names, and those of `dvc status`."""
    seen = {stage.name: list(stage.changes) for stage in dvc.look(root=root).stages.values() if stage.changes}
    return seen, json.loads(run_dvc(root, "status", "--json").stdout)


def drop_from_cache(root: Path) -> None:
    """The outputs of c leave the cache and stay in the workspace."""
    lock = (root / "dvc.lock").read_text()
    entry = lock.split("path: c.copy")[1].split("md5: ")[1].split()[0]
    (root / ".dvc/cache/files/md5" / entry[:2] / entry[2:]).unlink()


CHANGES: dict[str, Callable[[Path], Any]] = {
    "nothing": lambda root: None,
    "a file and a folder that all read": lambda root: (
        (root / "shared.txt").write_text("other"),
        (root / "folder/two").write_text("two"),
    ),
    "many things": lambda root: (
        (root / "a.txt").write_text("other"),
        (root / "b.txt").unlink(),
        (root / "d.copy").unlink(),
        (root / "joined/both").write_text("other"),
        drop_from_cache(root),
        (root / "params.yaml").write_text(PARAMS.replace("42", "43").replace("1e-8", "1e-9").replace("a: null\n", "")),
        (root / "more.yaml").write_text("deep: {est: 0}\n"),
        (root / "dvc.yaml").write_text(PIPELINE.replace("mkdir -p", "mkdir -p -v")),
    ),
    "a params file that is gone": lambda root: (root / "more.yaml").unlink(),
    "no lock": lambda root: (root / "dvc.lock").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_look_names_the_changes_that_dvc_names(project: Path, change: str) -> None:
    CHANGES[change](project)
    seen, status = said(project)
    assert seen == status
    assert bool(seen) == (change != "nothing")


def test_stages_that_wait_for_each_other_are_named_as_dvc_names_them(project: Path) -> None:
    (project / "dvc.yaml").write_text(CYCLE)
    sentence, names = run_dvc(project, "dag").stderr.removeprefix("ERROR: ").rsplit(": ", 1)
    with pytest.raises(dvc.DvcError) as error:
        dvc.look(root=project)
    ours, our_names = str(error.value).rsplit(": ", 1)
    assert ours.endswith(sentence)
    assert sorted(our_names.strip(" .").split(", ")) == sorted(names.strip(" .\n").split(", ")) == ["one", "two"]


def test_a_look_says_what_a_kill_left_where_dvc_cannot_read_it_and_changes_nothing(project: Path) -> None:
    lock = project / "dvc.lock"
    whole = lock.read_text()
    lock.write_text(whole[: whole.rindex("md5: ") + 3])
    before = files(project)
    with pytest.raises(dvc.DvcError, match="culturebench repro"):
        dvc.look(root=project)
    assert files(project) == before


def test_a_look_names_a_merge_conflict_and_changes_nothing(project: Path) -> None:
    conflict(project)
    before = files(project)
    with pytest.raises(dvc.DvcError, match=r"merge conflict \(line 3\).*git checkout --ours.*culturebench repro"):
        dvc.look(root=project)
    assert files(project) == before


def test_a_conflict_is_built_again_from_the_run_cache_where_a_person_asks_for_it(project: Path) -> None:
    lock = project / "dvc.lock"
    whole = lock.read_text()
    conflicted = conflict(project)
    with pytest.raises(LockConflict), only_writer(project, print):  # as a flow does, at night
        pytest.fail("the block ran")
    assert lock.read_text() == conflicted
    said: list[str] = []
    with only_writer(project, said.append, rebuild=True):
        done = dvc.reproduce(root=project)
    assert {outcome.outcome for outcome in done} <= {dvc.Outcome.RESTORED, dvc.Outcome.CACHED}
    assert lock.read_text() == whole
    assert any("is kept in .dvc/tmp/unreadable/" in line for line in said)
    assert (project / ".dvc/tmp/unreadable/dvc.lock").read_text() == conflicted


def conflict(project: Path) -> str:
    """What a merge leaves where both sides recorded another result of one stage."""
    lock = project / "dvc.lock"
    head, *rest = lock.read_text().splitlines(keepends=True)
    found = "".join([head, rest[0], "<<<<<<< HEAD\n", *rest[1:], "=======\n", *rest[1:], ">>>>>>> theirs\n"])
    lock.write_text(found)
    return found


def files(project: Path) -> dict[str, bytes]:
    """Every file of the workspace but DVC's own temporary ones."""
    found = (path for path in project.rglob("*") if path.is_file() and ".dvc/tmp" not in path.as_posix())
    return {str(path): path.read_bytes() for path in found}


def test_a_look_leaves_no_lock_on_any_path(project: Path) -> None:
    dvc.look(root=project)
    assert not any(json.loads((project / ".dvc/tmp/rwlock").read_text()).values())
