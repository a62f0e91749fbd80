"""Stages run again when their code changed, and only then: real DVC, the real library, and two small stages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.code.module import Module
from culturebench.code.sources import CodeError
from flows import digests, dvc
from flows._modules import PATH as KEPT_MODULES
from import_graph import ROOT

ERRORS, PNG = "culturebench/errors.py", "culturebench/png.py"
DRAW = """
from pathlib import Path

from culturebench import errors, png

Path("drawn.txt").write_text(str(len(Path("input.txt").read_text())))
"""
WRITE = """
from pathlib import Path

from culturebench import errors

Path("written.txt").write_text(Path("drawn.txt").read_text())
"""
PIPELINE = """
stages:
  write:
    cmd: python -m stages.write
    deps: [drawn.txt]
    params: [{code.json: [write]}]
    outs: [written.txt]
  draw:
    cmd: python -m stages.draw
    deps: [input.txt]
    params: [{code.json: [draw]}]
    outs: [drawn.txt]
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with everything up to date; tests change copies of it."""
    root = tmp_path_factory.mktemp("code")
    ignored = shutil.ignore_patterns("weights", "__pycache__")
    shutil.copytree(ROOT / "culturebench", root / "culturebench", ignore=ignored)
    (root / "stages").mkdir()
    shutil.copy(ROOT / "stages/code.py", root / "stages")
    files = {"__init__": "", "draw": DRAW, "write": WRITE}
    for name, text in files.items():
        (root / f"stages/{name}.py").write_text(text)
    (root / "params.yaml").write_text("regions: [jp]\n")
    (root / "input.txt").write_text("one")
    (root / ".dvcignore").write_text("__pycache__/\n")
    (root / ".gitignore").write_text("__pycache__/\n")
    ours = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["code"]
    stages = yaml.safe_load(PIPELINE)["stages"]
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {**stages, "code": ours}}, sort_keys=False))
    git(root, "init", "--quiet")
    plain(root, "init", "--quiet")
    assert ran(root) == {"draw", "write"}
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "start")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "project")


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=me", "-c", "user.email=me@localhost", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def plain(root: Path, *arguments: str) -> str:
    """DVC as a person calls it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "dvc", *arguments]
    environment = {**os.environ, "PATH": path}
    return subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True, text=True).stdout


def ran_plainly(root: Path, *arguments: str) -> set[str]:
    lines = plain(root, "repro", *arguments).splitlines()
    return {line.split("'")[1] for line in lines if line.startswith("Running stage '")} - {"code"}


def ran(root: Path, *targets: str, single: bool = False) -> set[str]:
    return {found.stage for found in dvc.reproduce(targets, root=root, single=single) if found.outcome == "ran"}


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def add(root: Path, name: str, text: str) -> None:
    with (root / name).open("a", encoding="utf-8") as file:
        file.write(text)


def state(root: Path) -> tuple[Any, ...]:
    note = root / "code.json"
    return note.read_bytes(), note.stat().st_mtime_ns, (root / "dvc.lock").read_bytes()


def test_a_comment_and_a_docstring_in_errors_recompute_nothing(project: Path) -> None:
    before = state(project)
    edit(project, ERRORS, '"""', '"""All that can go wrong. ')
    add(project, ERRORS, "\n\n# a comment\n")
    assert dvc.look(root=project).stale == {}
    lines: list[str] = []
    outcomes = dvc.reproduce(root=project, on_line=lines.append)
    assert {found.stage: found.outcome.value for found in outcomes} == {"draw": "cached", "write": "cached"}
    assert lines == ["Data and pipelines are up to date."]
    assert ran_plainly(project) == set()
    assert state(project) == before


def test_a_constant_of_a_helper_runs_the_stages_that_import_it_and_equal_bytes_end_the_recompute(project: Path) -> None:
    add(project, PNG, "\nDEPTH = 8\n")
    stale = dvc.look(root=project).stale
    assert {name: entry.certain for name, entry in stale.items()} == {"draw": True, "write": False}
    assert stale["draw"].reasons == ("code.json: draw modified",)
    lines: list[str] = []
    outcomes = dvc.reproduce(root=project, on_line=lines.append)
    assert {found.stage: found.outcome.value for found in outcomes} == {"draw": "ran", "write": "cached"}
    assert not [line for line in lines if "code" in line]
    add(project, ERRORS, "\nMOST = 8\n")
    assert ran(project) == {"draw", "write"}


def test_plain_dvc_runs_the_same_stages(project: Path) -> None:
    add(project, PNG, "\nDEPTH = 8\n")
    assert ran_plainly(project) == {"draw"}
    edit(project, "stages/write.py", ".read_text()", ".read_text() + '!'")
    assert ran_plainly(project) == {"write"}
    assert dvc.look(root=project).stale == {}


def test_plain_dvc_sees_code_in_single_stages_once_the_digests_are_written(project: Path) -> None:
    add(project, PNG, "\nDEPTH = 8\n")
    assert ran_plainly(project, "code") == set()
    assert list(json.loads(plain(project, "status", "--json", "draw"))) == ["draw"]
    assert ran_plainly(project, "--single-item", "draw") == {"draw"}


def test_a_look_sees_the_code_of_now_and_writes_nothing(project: Path) -> None:
    before = state(project)
    add(project, PNG, "\nDEPTH = 8\n")
    assert list(dvc.look(root=project).stale) == ["draw", "write"]
    assert state(project) == before
    (project / "code.json").unlink()
    assert list(dvc.look(root=project).stale) == ["draw", "write"]
    assert not (project / "code.json").exists()


def test_digests_that_are_gone_come_back_and_nothing_runs(project: Path) -> None:
    before = state(project)
    (project / "code.json").unlink()
    assert dvc.look(root=project).stale == {}
    assert ran(project) == set()
    assert (project / "code.json").read_bytes() == before[0]


def test_single_stages_at_once_do_not_wait_for_each_other_nor_for_the_digests(project: Path) -> None:
    add(project, ERRORS, "\nMOST = 8\n")
    digests.note(project)
    with ThreadPoolExecutor(4) as pool:
        both = list(pool.map(lambda name: ran(project, name, single=True), ["draw", "write"]))
    assert both == [{"draw"}, {"write"}]


def test_whoever_writes_the_digests_at_once_writes_the_same_bytes(project: Path) -> None:
    add(project, PNG, "\nDEPTH = 8\n")
    script = "import sys; from pathlib import Path; from flows import digests; digests.note(Path(sys.argv[1]))"
    command = [sys.executable, "-c", script, str(project)]
    for process in [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]:
        assert process.wait() == 0
    assert json.loads((project / "code.json").read_text()) == digests.current(project)
    assert not list(project.glob(".code.json.*"))


def test_a_flow_makes_the_folders_that_an_empty_section_leaves_to_the_stage_code(project: Path) -> None:
    edit(project, "params.yaml", "", "adapters: {}\n")
    for folder in ("models", "reports"):
        shutil.rmtree(project / folder, ignore_errors=True)
    digests.note(project)
    assert (project / "models/adapter").is_dir() and (project / "reports/metrics/adapters").is_dir()


def test_code_that_is_no_python_is_named_before_anything_runs(project: Path) -> None:
    edit(project, ERRORS, "class", "class class")
    for action in (dvc.look, dvc.reproduce):
        with pytest.raises(CodeError, match=r"culturebench/errors\.py cannot be read as Python: .*line \d+"):
            action(root=project)


@pytest.mark.slow
def test_an_experiment_of_dvc_runs_the_stages_whose_code_changed(project: Path) -> None:
    add(project, PNG, "\nDEPTH = 8\n")
    lines = plain(project, "exp", "run", "--temp", "--name", "other").splitlines()
    assert {line.split("'")[1] for line in lines if line.startswith("Running stage '")} == {"code", "draw"}
    plain(project, "exp", "apply", "other")
    assert dvc.look(root=project).stale == {}


#: Another parameter of a function, and of a property.
DIFFERENT = """
import dvc.output, dvc.stage.run

run, exists = dvc.stage.run._run, dvc.output.Output.exists.fget
dvc.stage.run._run = lambda executable, cmd, shell=None, **rest: run(executable, cmd, **rest)
dvc.output.Output.exists = property(lambda self, links=False: exists(self))
"""


@pytest.fixture
def another_dvc(tmp_path: Path) -> dict[str, str]:
    """An environment whose DVC is changed when Python starts; it is added to the current one."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(DIFFERENT)
    return {"PYTHONPATH": str(tmp_path / "site")}


def test_where_dvc_is_another_one_inside_it_runs_as_it_is_and_says_so(
    project: Path, another_dvc: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    add(project, PNG, "\nDEPTH = 8\n")
    lines: list[str] = []
    outcomes = dvc.reproduce(root=project, environment=another_dvc, on_line=lines.append)
    assert {found.stage: found.outcome.value for found in outcomes} == {"draw": "ran", "write": "cached"}
    assert [line for line in lines if "is another one inside (dvc.stage.run:_run)" in line]
    assert "(dvc.output:Output.exists): it runs as it is, only slower." in capsys.readouterr().err
    assert dvc.look(root=project, environment=another_dvc).stale == {}


def test_only_files_that_changed_are_parsed_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests.note(project)
    parsed: list[str] = []
    read = Module.read
    monkeypatch.setattr(Module, "read", lambda file, text: parsed.append(file) or read(file, text))
    assert json.loads((project / "code.json").read_text()) == digests.current(project)
    assert parsed == []
    add(project, PNG, "\nDEPTH = 8\n")
    changed = digests.current(project)
    assert parsed == [PNG]
    (project / KEPT_MODULES).unlink()
    assert digests.current(project) == changed


@pytest.mark.parametrize("damage", ["", "{}", "cut", "digit"])
def test_modules_that_were_kept_and_are_damaged_are_read_anew(damage: str, project: Path) -> None:
    digests.note(project)
    path, found = project / KEPT_MODULES, digests.current(project)
    text = path.read_text(encoding="utf-8")
    digest = next(entry["digest"] for entry in json.loads(text.partition("\n")[2]).values() if entry["digest"])
    other = {"cut": text[:-9], "digit": text.replace(digest, digest[::-1])}
    path.write_text(other.get(damage, damage), encoding="utf-8")
    assert digests.current(project) == found
