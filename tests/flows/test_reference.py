"""What is here beside the shipped run: which outs are equal, where a difference begins, and what it may come from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from culturebench import cli
from culturebench.cli import _made_on
from flows import dvc, reference
from flows.reference import Difference, NoReference
from import_graph import ROOT

PIPELINE = """
stages:
  first: {cmd: cp input.txt first.txt, deps: [input.txt], outs: [first.txt]}
  second: {cmd: cat first.txt ../number.txt > second.txt, deps: [first.txt], params: [size], outs: [second.txt]}
  third: {cmd: cp second.txt third.txt, deps: [second.txt], outs: [third.txt]}
  apart: {cmd: cp input.txt apart.txt, deps: [input.txt], outs: [apart.txt]}
  report: {cmd: mkdir -p reports && cat ../number.txt > reports/index.html, outs: [reports/index.html]}
"""
HERE = {"processor": "abacus", "torch": "1"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """`second` reads a file that it does not tell DVC of, as a stage reads its machine."""
    root = tmp_path / "project"
    root.mkdir()
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=root, check=True)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "params.yaml").write_text("size: 1")
    (root / "input.txt").write_text("one")
    (tmp_path / "number.txt").write_text("1")
    return root


def told(project: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """What `culturebench verify --reference` prints there."""
    monkeypatch.chdir(project)
    found = CliRunner().invoke(cli.app, ["verify", "--reference"])
    said = str(found.exception) if isinstance(found.exception, NoReference) else ""
    return found.exit_code, " ".join((found.output + said).split())


def test_a_reference_is_of_what_has_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoReference, match="5 stages are not up to date"):
        reference.write(project, HERE)
    status, said = told(project, monkeypatch)
    assert status == 1 and "there is no reference.json; `culturebench verify --make-reference` writes it" in said
    dvc.reproduce(root=project)
    assert reference.write(project, HERE) == 4
    found = reference.compare(project)
    assert (found.made_on, found.equal, found.different, found.missing, found.first) == (HERE, 4, 0, 0, ())
    before = (project / "reference.json").read_bytes()
    reference.write(project, HERE)
    assert (project / "reference.json").read_bytes() == before and str(project).encode() not in before


def of_the_machine(project: Path) -> None:
    """The same stage gives other bytes, and so does the page that names the machine."""
    (project.parent / "number.txt").write_text("2")
    for out in ("second.txt", "third.txt", "reports/index.html", "dvc.lock", ".dvc/cache"):
        subprocess.run(["rm", "-rf", project / out], check=True)


def of_params(project: Path) -> None:
    of_the_machine(project)
    (project / "params.yaml").write_text("size: 2")


def of_a_file(project: Path) -> None:
    (project / "input.txt").write_text("two")


def of_a_command(project: Path) -> None:
    (project / "dvc.yaml").write_text(PIPELINE.replace("cmd: cp input.txt apart.txt", "cmd: wc input.txt > apart.txt"))


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (of_the_machine, [("second", "second.txt", ())]),
        (of_params, [("second", "second.txt", ("parameters",))]),
        (of_a_file, [("apart", "apart.txt", ("files",)), ("first", "first.txt", ("files",))]),
        (of_a_command, [("apart", "apart.txt", ("command",))]),
    ],
)
def test_where_a_difference_arises_and_what_the_stage_was_made_of(
    change: Callable[[Path], None], first: list[tuple[str, str, tuple[str, ...]]], project: Path
) -> None:
    dvc.reproduce(root=project)
    reference.write(project, HERE)
    change(project)
    dvc.reproduce(root=project)
    found = reference.compare(project)
    assert sorted((one.stage, *one.outs, one.made_of) for one in found.first) == first
    assert all(isinstance(one, Difference) for one in found.first)
    assert found.missing == 0 and found.equal + found.different == 4


def test_a_reader_is_told_what_differs_and_whether_the_machine_may_have_done_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc.reproduce(root=project)
    here = _made_on.machine(project)
    reference.write(project, {**here, "its maker": "Babbage", "torch": "0.1"})
    status, said = told(project, monkeypatch)
    assert status == 0 and "4 outs equal the reference, 0 differ, 0 are not in dvc.lock." in said
    assert "reports/index.html is not compared: it names the versions" in said

    of_the_machine(project)
    dvc.reproduce(root=project)
    status, said = told(project, monkeypatch)
    assert status == 1 and "2 outs equal the reference, 2 differ, 0 are not in dvc.lock." in said
    assert "A difference arises at second: second.txt Its code and inputs are the reference's." in said
    assert f"its maker Babbage, here {here['its maker'] or '?'}; torch 0.1, here {here['torch']}. That is no" in said
    assert "python" not in said

    content = json.loads((project / "reference.json").read_text())
    (project / "reference.json").write_text(json.dumps(content | {"made_on": here}))
    assert "those of the reference: please tell" in told(project, monkeypatch)[1]
    of_params(project)
    dvc.reproduce(root=project)
    assert "It runs on what is not the reference's: parameters." in told(project, monkeypatch)[1]


def test_a_clone_in_which_nothing_has_run_and_files_that_cannot_be_read_get_one_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc.reproduce(root=project)
    reference.write(project, HERE)
    lock = (project / "dvc.lock").read_text()
    (project / "dvc.lock").unlink()
    status, said = told(project, monkeypatch)
    assert status == 1 and said == "there is no dvc.lock: nothing has run here; `culturebench repro` runs everything"

    stages = yaml.safe_load(lock)
    del stages["stages"]["third"]
    (project / "dvc.lock").write_text(yaml.safe_dump(stages))
    assert "3 outs equal the reference, 0 differ, 1 are not in dvc.lock." in told(project, monkeypatch)[1]

    (project / "dvc.lock").write_text(f"<<<<<<< a\n{lock}>>>>>>> b\n")
    assert "merge conflict" in told(project, monkeypatch)[1]
    for damaged in ("{", "[]", '{"made_on": {}, "stages": {"first": {}}}', '{"made_on": {}, "stages": 1}'):
        (project / "reference.json").write_text(damaged)
        status, said = told(project, monkeypatch)
        assert status == 1 and "reference.json cannot be read; `git checkout -- reference.json` brings it" in said


def test_what_is_left_out_is_an_out_of_the_pipeline() -> None:
    outs = {out for stage in dvc.graph(root=ROOT).stages.values() for out in stage.outs}
    assert reference.LEFT_OUT.keys() <= outs
