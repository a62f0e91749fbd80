"""One writer a workspace: a second one waits, and goes on when the first has ended in whatever way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flows.workspace import WorkspaceError, only_writer
from import_graph import ROOT

HOLD = """
import sys, time
from pathlib import Path
from flows.workspace import only_writer
with only_writer(Path(sys.argv[1]), print):
    print("holding", flush=True)
    time.sleep(600)
"""


def test_a_second_writer_waits_says_so_and_goes_on_when_the_first_was_killed(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    said: list[str] = []
    waiting = threading.Event()

    def tell(line: str) -> None:
        said.append(line)
        waiting.set()

    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"holding\n"
        threading.Thread(target=lambda: (waiting.wait(60), first.kill())).start()
        with only_writer(tmp_path, tell):
            assert first.wait(10) != 0
    assert said == ["Another run is writing to this workspace; this one waits for its end."]


def test_writers_of_two_workspaces_do_not_wait_for_each_other(tmp_path: Path) -> None:
    said: list[str] = []
    for name in "ab":
        (tmp_path / name / ".dvc").mkdir(parents=True)
    with only_writer(tmp_path / "a", said.append), only_writer(tmp_path / "b", said.append):
        assert said == []


def test_the_command_waits_for_a_flow_as_flows_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {write: {cmd: echo written > written.txt, outs: [written.txt]}}")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True)
    code = "from culturebench.cli import main; main()"
    with only_writer(tmp_path, print):
        command = subprocess.Popen(
            [sys.executable, "-c", code, "repro"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert command.stdout is not None
        assert "this one waits for its end" in command.stdout.readline()
        assert not (tmp_path / "written.txt").exists()
    assert "0/1 stages · write · " in command.stdout.read()
    assert command.wait() == 0
    assert (tmp_path / "written.txt").exists()


def test_a_folder_without_a_pipeline_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="holds no pipeline"), only_writer(tmp_path, print):
        pytest.fail("the block ran")
    assert not list(tmp_path.iterdir())
