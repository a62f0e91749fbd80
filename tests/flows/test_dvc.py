"""DVC is started, read and stopped by flows.dvc; a project of two stages shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows import dvc
from flows.dvc import Outcome

PIPELINE = """
stages:
  first:
    cmd: python first.py
    deps: [first.py, input.txt]
    outs: [first.txt]
  second:
    cmd: python second.py
    deps: [second.py, first.txt]
    outs: [second.txt]
"""
COPY = "from pathlib import Path\nPath('{out}').write_text(Path('{source}').read_text())\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "input.txt").write_text("one")
    (tmp_path / "first.py").write_text(COPY.format(source="input.txt", out="first.txt"))
    (tmp_path / "second.py").write_text(COPY.format(source="first.txt", out="second.txt"))
    return tmp_path


def outcomes(project: Path) -> dict[str, Outcome]:
    return {outcome.stage: outcome.outcome for outcome in dvc.reproduce(root=project)}


def test_every_stage_is_told_as_ran_skipped_or_restored(project: Path) -> None:
    assert outcomes(project) == {"first": Outcome.RAN, "second": Outcome.RAN}
    assert outcomes(project) == {"first": Outcome.SKIPPED, "second": Outcome.SKIPPED}
    (project / "input.txt").write_text("two")
    assert outcomes(project) == {"first": Outcome.RAN, "second": Outcome.RAN}
    (project / "input.txt").write_text("one")
    assert outcomes(project) == {"first": Outcome.RESTORED, "second": Outcome.RESTORED}


def test_a_failing_stage_is_named_with_the_end_of_its_output(project: Path) -> None:
    (project / "second.py").write_text("raise SystemExit('no ink left')")
    with pytest.raises(dvc.DvcError, match=r"(?s)second failed.*no ink left"):
        dvc.reproduce(root=project)


def test_every_line_of_a_stage_is_passed_on(project: Path) -> None:
    (project / "first.py").write_text("print('mixing ink', flush=True)\nopen('first.txt', 'w').close()")
    lines: list[str] = []
    dvc.reproduce(root=project, on_line=lines.append)
    assert "mixing ink" in lines


def test_a_stages_time_lasts_until_the_next_one_begins() -> None:
    now = iter([0.0, 1.0, 4.0, 4.5])
    reader = dvc.OutcomeReader(clock=lambda: next(now))
    reader.read("Running stage 'first':")
    reader.read("> python first.py")
    reader.read("Running stage 'second@jp':")
    first, second = reader.outcomes()
    assert (first.stage, first.seconds) == ("first", 3.0)
    assert (second.stage, second.seconds) == ("second@jp", 0.5)


def test_whatever_ends_the_call_ends_the_processes_of_the_stage(project: Path) -> None:
    (project / "first.py").write_text("import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)")
    pids: list[int] = []

    def stop_at_the_pid(line: str) -> None:
        if line.startswith("pid "):
            pids.append(int(line.split()[1]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dvc.reproduce(root=project, on_line=stop_at_the_pid)
    assert ends_soon(pids[0])


def ends_soon(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_two_reproductions_at_once_wait_for_each_other(project: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(outcomes, [project, project]))
    assert sorted(found["first"] for found in both) == [Outcome.RAN, Outcome.SKIPPED]


def test_status_names_what_will_run_and_what_may_follow(project: Path) -> None:
    dvc.reproduce(root=project)
    assert dvc.status(root=project) == []
    (project / "input.txt").write_text("two")
    first, second = dvc.status(root=project)
    assert (first.stage, first.certain, first.reasons) == ("first", True, ("input.txt modified",))
    assert (second.stage, second.certain, second.reasons) == ("second", False, ("after first",))
    assert dvc.stages(root=project) == ["first", "second"]


def test_dvcs_own_complaint_is_passed_on(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: {first: {cmd: 3, deps: no list}}")
    with pytest.raises(dvc.DvcError, match=r"dvc\.yaml"):
        dvc.status(root=project)
