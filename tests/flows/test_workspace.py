"""One writer a workspace: a second one waits, and goes on when the first has ended in whatever way."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from flows.workspace import only_writer
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
    with only_writer(tmp_path / "a", said.append), only_writer(tmp_path / "b", said.append):
        assert said == []
