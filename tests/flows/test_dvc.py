"""DVC is started, read and stopped by flows.dvc; a project of two stages shows it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows import dvc
from flows.outcomes import Outcome, OutcomeReader
from flows.pipeline import UnknownName
from flows.repair import repair
from processes import ends_soon

ROOT = Path(__file__).parents[2]
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


def test_every_stage_is_told_as_ran_cached_or_restored(project: Path) -> None:
    assert outcomes(project) == {"first": Outcome.RAN, "second": Outcome.RAN}
    assert outcomes(project) == {"first": Outcome.CACHED, "second": Outcome.CACHED}
    (project / "input.txt").write_text("two")
    assert outcomes(project) == {"first": Outcome.RAN, "second": Outcome.RAN}
    (project / "input.txt").write_text("one")
    assert outcomes(project) == {"first": Outcome.RESTORED, "second": Outcome.RESTORED}


def test_a_stage_that_never_ran_gives_that_as_its_only_reason(project: Path) -> None:
    outcomes(project)
    (project / "dvc.yaml").write_text(PIPELINE + "  third: {cmd: python second.py, deps: [first.py], outs: [third]}\n")
    (project / "second.py").write_text("# not for long\n")
    found = {name: entry.reasons for name, entry in dvc.look(root=project).stale.items()}
    assert found == {"second": ("second.py modified",), "third": ("has not run yet",)}


def test_a_stage_that_there_is_not_is_named_with_those_that_there_are(project: Path) -> None:
    with pytest.raises(UnknownName, match="no stage is called third; there are: first, second"):
        dvc.reproduce(["third"], root=project)


def test_a_failing_stage_is_named_with_the_end_of_its_output(project: Path) -> None:
    (project / "second.py").write_text("raise SystemExit('no ink left')")
    with pytest.raises(dvc.DvcError, match=r"(?s)second failed.*no ink left"):
        dvc.reproduce(root=project)


def test_every_line_of_a_stage_is_passed_on_and_dvcs_advice_is_not(project: Path) -> None:
    (project / "first.py").write_text("print('mixing ink', flush=True)\nopen('first.txt', 'w').close()")
    (project / "annotations").mkdir()
    (project / "annotations/removed.jsonl").touch()
    (project / "dvc.yaml").write_text(PIPELINE.replace("input.txt]", "input.txt, annotations/removed.jsonl]"))
    lines: list[str] = []
    dvc.reproduce(root=project, on_line=lines.append)
    assert "mixing ink" in lines
    assert [line for line in lines if line.startswith(("To track", "Use `dvc", "\tgit add")) or "removed" in line] == []


def test_a_stages_time_lasts_until_the_next_one_begins() -> None:
    now = iter([0.0, 1.0, 4.0, 4.5])
    reader = OutcomeReader(clock=lambda: next(now))
    reader.read("Running stage 'first':")
    reader.read("> python first.py")
    reader.read("Running stage 'second@jp':")
    first, second = reader.outcomes()
    assert (first.stage, first.seconds) == ("first", 3.0)
    assert (second.stage, second.seconds) == ("second@jp", 0.5)


SLOW = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("pids", os.getpid(), child.pid, flush=True)
while True:
    open("first.txt", "a").write("still writing")
    time.sleep(0.05)
"""


def pids(line: str) -> list[int]:
    return [int(word) for word in line.split()[1:]] if line.startswith("pids ") else []


def test_whatever_ends_the_call_ends_every_process_of_the_stage(project: Path) -> None:
    (project / "first.py").write_text(SLOW)
    found: list[int] = []

    def stop_at_the_pids(line: str) -> None:
        found.extend(pids(line))
        if found:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dvc.reproduce(root=project, on_line=stop_at_the_pids)
    assert nobody_works(project, found)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_python_above_ends_every_process_of_the_stage(project: Path, sign: signal.Signals) -> None:
    (project / "first.py").write_text(SLOW)
    script = "import sys; from pathlib import Path; from flows import dvc; "
    script += "dvc.reproduce(root=Path(sys.argv[1]), on_line=lambda line: print(line, flush=True))"
    command = [sys.executable, "-c", script, str(project)]
    found: list[int] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as above:
        assert above.stdout is not None
        found = next(numbers for line in above.stdout if (numbers := pids(line)))
        above.send_signal(sign)
        above.wait()
    assert nobody_works(project, found)


def nobody_works(project: Path, pids: list[int]) -> bool:
    """Whether the processes end soon, and their file then stays as it is."""
    ended = len(pids) == 2 and all(ends_soon(pid) for pid in pids)
    size = (project / "first.txt").stat().st_size if (project / "first.txt").exists() else 0
    time.sleep(0.2)
    return ended and ((project / "first.txt").stat().st_size if (project / "first.txt").exists() else 0) == size


def test_two_reproductions_at_once_wait_for_each_other(project: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(outcomes, [project, project]))
    assert sorted(found["first"] for found in both) == [Outcome.CACHED, Outcome.RAN]


def test_the_locks_of_a_reproduction_at_work_are_not_mended_away(project: Path) -> None:
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)\n"
    (project / "first.py").write_text(wait + COPY.format(source="input.txt", out="first.txt"))
    locks = project / ".dvc/tmp/rwlock"
    writing = 'first.txt": {'  # a list would be those who read
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(outcomes, project)
        try:
            while not (locks.exists() and writing in locks.read_text()):
                time.sleep(0.05)
            assert repair(project) == []
            assert writing in locks.read_text()
        finally:
            (project / "go").touch()
        assert running.result() == {"first": Outcome.RAN, "second": Outcome.RAN}


def test_it_is_told_what_will_run_and_what_may_follow(project: Path) -> None:
    dvc.reproduce(root=project)
    assert dvc.look(root=project).stale == {}
    (project / "input.txt").write_text("two")
    pipeline = dvc.look(root=project)
    assert list(pipeline.stages) == ["first", "second"]
    first, second = pipeline.stale.values()
    assert (first.stage, first.certain, first.reasons) == ("first", True, ("input.txt modified",))
    assert (second.stage, second.certain, second.reasons) == ("second", False, ("after first",))


def test_what_a_stale_stage_may_bring_back_is_no_certain_reason(project: Path) -> None:
    dvc.reproduce(root=project)
    (project / "first.txt").unlink()
    first, second = dvc.look(root=project).stale.values()
    assert (first.stage, first.certain, first.reasons) == ("first", True, ("first.txt is not there",))
    assert (second.stage, second.certain) == ("second", False)
    assert outcomes(project) == {"first": Outcome.RESTORED, "second": Outcome.CACHED}


def test_the_graph_can_be_read_while_a_stage_runs(project: Path) -> None:
    seen: list[set[str]] = []

    def look_meanwhile(line: str) -> None:
        if line.startswith("Running stage 'first'"):
            seen.append(set(dvc.graph(root=project).stages))

    (project / "first.py").write_text("import time; time.sleep(3); open('first.txt', 'w').close()")
    dvc.reproduce(root=project, on_line=look_meanwhile)
    assert seen == [{"first", "second"}]


def test_dvcs_own_complaint_is_passed_on(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: {first: {cmd: 3, deps: no list}}")
    with pytest.raises(dvc.DvcError, match=r"dvc\.yaml"):
        dvc.look(root=project)
