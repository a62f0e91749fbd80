"""What is here beside the shipped run: which outs are equal, and where a difference begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from culturebench import cli
from flows import dvc, reference
from flows.reference import NoReference

PIPELINE = """
stages:
  first: {cmd: cp input.txt first.txt, deps: [input.txt], outs: [first.txt]}
  second: {cmd: cat first.txt number.txt > second.txt, deps: [first.txt, number.txt], outs: [second.txt]}
  third: {cmd: cp second.txt third.txt, deps: [second.txt], outs: [third.txt]}
  apart: {cmd: cp input.txt apart.txt, deps: [input.txt], outs: [apart.txt]}
"""


def test_the_stage_at_which_a_difference_arises_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "input.txt").write_text("one")
    (tmp_path / "number.txt").write_text("1")
    with pytest.raises(NoReference, match="4 stages are not up to date"):
        reference.write(tmp_path)
    with pytest.raises(NoReference, match=r"no reference\.json"):
        reference.compare(tmp_path)

    dvc.reproduce(root=tmp_path)
    assert reference.write(tmp_path) == 4
    found = reference.compare(tmp_path)
    assert (found.equal, found.different, found.missing, found.first) == (4, 0, 0, {})

    (tmp_path / "number.txt").write_text("2")
    dvc.reproduce(root=tmp_path)
    found = reference.compare(tmp_path)
    assert (found.equal, found.different, found.missing) == (2, 2, 0)
    assert found.first == {"second": ("second.txt",)}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("culturebench.numerics._has_avx2", lambda: False)
    told = CliRunner().invoke(cli.app, ["verify", "--reference"])
    assert told.exit_code == 1
    assert "2 outs equal the reference, 2 differ, 0 are not in dvc.lock." in told.stdout
    assert "arises at second: second.txt" in told.stdout and "other last digits" in told.stdout
