"""What is here beside the shipped run: which outs are equal, where a difference begins, and what it may come from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from culturebench import cli
from culturebench.cli import _made_on
from flows import dvc, reference
from flows.pipeline import Pipeline
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
LOCK: dict[str, Any] = {
    "first": {"cmd": "a", "deps": [{"path": "input", "md5": "i"}], "outs": [{"path": "data/first", "md5": "1"}]},
    "second": {
        "cmd": "b",
        "deps": [{"path": "data", "md5": "of both"}, {"path": "data/first/part", "md5": "p"}],
        "params": {"params.yaml": {"size": 1}, "code.json": {"second": "c"}},
        "outs": [{"path": "second", "md5": "2"}],
    },
    "third": {"cmd": "c", "deps": [{"path": "second", "md5": "2"}], "outs": [{"path": "third", "md5": "3"}]},
    "apart": {"cmd": "d", "outs": [{"path": "data/apart", "md5": "4"}]},
}
BEFORE = {"first": (), "second": ("first", "apart"), "third": ("second",), "apart": ()}
GRAPH = Pipeline.read(
    {
        name: {"before": BEFORE[name], "command": "", "outs": [out["path"] for out in entry["outs"]], "changes": [],
               "ran": True}
        for name, entry in LOCK.items()
    }
)  # fmt: skip
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


def test_a_run_is_held_to_its_reference_and_its_reader_is_told_what_may_have_made_the_difference(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc.reproduce(["first"], root=project)
    with pytest.raises(NoReference, match="4 stages are not up to date"):
        reference.write(project, HERE)
    dvc.reproduce(root=project)
    here = _made_on.machine(project)
    assert reference.write(project, {**here, "its maker": "Babbage", "torch": "0.1"}) == 4
    assert str(project) not in (project / "reference.json").read_text()
    status, said = told(project, monkeypatch)
    assert status == 0 and "4 outs equal the reference, 0 differ, 0 are not in dvc.lock." in said
    assert "reports/index.html is not compared: it names the versions" in said

    (project.parent / "number.txt").write_text("2")  # the stages are the same, and write other bytes
    for name in ("second.txt", "third.txt", "reports/index.html", "dvc.lock", ".dvc/cache"):
        subprocess.run(["rm", "-rf", project / name], check=True)
    dvc.reproduce(root=project)
    status, said = told(project, monkeypatch)
    assert status == 1 and "2 outs equal the reference, 2 differ, 0 are not in dvc.lock." in said
    assert "A difference arises at second: second.txt Its code and inputs are the reference's." in said
    assert f"its maker Babbage, here {here['its maker'] or '?'}; torch 0.1, here {here['torch']}. That is no" in said
    assert "python" not in said

    content = json.loads((project / "reference.json").read_text())
    (project / "reference.json").write_text(json.dumps(content | {"made_on": here}))
    assert "those of the reference: please tell" in told(project, monkeypatch)[1]
    content["stages"]["second"]["made_of"]["parameters"] = "other"
    (project / "reference.json").write_text(json.dumps(content))
    assert "It runs on what is not the reference's: parameters." in told(project, monkeypatch)[1]


def edited(stage: str, **values: Any) -> dict[str, Any]:
    """LOCK with other values of a stage, which then writes other bytes."""
    out = {**LOCK[stage]["outs"][0], "md5": "other"}
    return {**LOCK, stage: {**LOCK[stage], **values, "outs": [out]}}


OTHER_DATA = [{"path": "data", "md5": "x"}, {"path": "data/first/part", "md5": "y"}]


@pytest.mark.parametrize(
    ("lock", "first"),
    [
        (LOCK, []),
        (edited("second"), [("second", ())]),
        (edited("second", deps=OTHER_DATA), [("second", ())]),  # others wrote that, and answer for it
        (edited("second", cmd="x"), [("second", ("command",))]),
        (edited("second", params={"params.yaml": {"size": 2}, "code.json": {"second": "c"}}),
         [("second", ("parameters",))]),
        (edited("second", params={"params.yaml": {"size": 1}, "code.json": {"second": "x"}}), [("second", ("code",))]),
        (edited("first", deps=[{"path": "input", "md5": "x"}]), [("first", ("files",))]),
        (edited("first") | {"second": edited("second")["second"]}, [("first", ())]),  # the second follows from it
        (edited("first") | {"apart": edited("apart")["apart"]}, [("apart", ()), ("first", ())]),
    ],
)  # fmt: skip
def test_where_a_difference_arises_and_what_the_stage_is_made_of(
    lock: dict[str, Any], first: list[tuple[str, tuple[str, ...]]]
) -> None:
    found = reference.beside(HERE, reference.noted(GRAPH, LOCK), GRAPH, lock)
    assert sorted((one.stage, one.made_of) for one in found.first) == first
    assert (found.equal + found.different, found.missing) == (4, 0)
    assert found.different == sum(lock[name]["outs"] != LOCK[name]["outs"] for name in LOCK)


def test_outs_that_have_not_been_made_or_that_another_stage_makes_are_told_apart() -> None:
    expected = reference.noted(GRAPH, LOCK)
    part = {name: entry for name, entry in LOCK.items() if name != "third"}
    found = reference.beside(HERE, expected, GRAPH, part)
    assert (found.equal, found.different, found.missing, found.first) == (3, 0, 1, ())
    renamed = {f"old {name}": entry for name, entry in expected.items()}
    found = reference.beside(HERE, renamed, GRAPH, edited("third"))
    assert found.first == (Difference("third", ("third",), ("command",)),)


def test_a_clone_in_which_nothing_has_run_and_files_that_cannot_be_read_get_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, lock = tmp_path / "reference.json", tmp_path / "dvc.lock"
    for name in ("params.yaml", "dvc.yaml"):  # without them it is no clone
        (tmp_path / name).touch()
    assert told(tmp_path, monkeypatch) == (
        1, "there is no reference.json; `culturebench verify --make-reference` writes it after a whole run",
    )  # fmt: skip
    for damaged in ("{", "[]", '{"made_on": {}, "stages": {"first": {}}}', '{"made_on": {}, "stages": 1}'):
        file.write_text(damaged)
        assert told(tmp_path, monkeypatch) == (
            1, "reference.json cannot be read; `git checkout -- reference.json` brings it back",
        )  # fmt: skip
    file.write_text('{"made_on": {}, "stages": {}}')
    assert told(tmp_path, monkeypatch) == (
        1, "there is no dvc.lock: nothing has run here; `culturebench repro` runs everything",
    )  # fmt: skip
    lock.write_text("schema: '2.0'\n<<<<<<< a\n=======\n>>>>>>> b\n")
    status, said = told(tmp_path, monkeypatch)
    assert status == 1 and "merge conflict" in said and "Traceback" not in said
    assert lock.read_text().startswith("schema")


def test_what_is_left_out_is_written_by_a_stage() -> None:
    assert reference.LEFT_OUT.keys() <= {out for stage in dvc.graph(root=ROOT).stages.values() for out in stage.outs}
