"""Stages that our runs start from a process with the libraries imported do what `python -m` would do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import dvc

#: Writes what the tests ask for, and takes in a library on the way.
STAGE = """
import atexit, json, os, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

imported_before = "yaml" in sys.modules
import yaml
from stages.word import WORD


def doubled(number):
    return 2 * number


if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        answer = pool.submit(doubled, 21).result()
    facts = dict(before=imported_before, answer=answer, word=WORD, arguments=sys.argv[1:], folder=os.getcwd())
    facts |= dict(stage=os.environ["DVC_STAGE"], name=Path(sys.argv[0]).name, parent=os.getppid())
    atexit.register(Path(sys.argv[2]).write_text, json.dumps(facts))
"""


#: Changes the project's code for the stages after it.
CHANGE = "\nif __name__ == '__main__': Path('stages/word.py').write_text(\"WORD = 'paper'\")\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return _project(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two stages have run."""
    project = _project(tmp_path_factory.mktemp("finished"))
    write(project, first=STAGE + CHANGE, second=STAGE)
    dvc.reproduce(root=project)
    return project


def _project(folder: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
    (folder / "stages").mkdir()
    (folder / "stages/__init__.py").touch()
    (folder / "stages/word.py").write_text("WORD = 'ink'")
    return folder


def write(project: Path, **sources: str) -> None:
    """A pipeline of one stage a source, each after the one before; a stage writes NAME.json."""
    stages: dict[str, Any] = {}
    deps: list[str] = []
    for name, source in sources.items():
        (project / f"stages/{name}.py").write_text(source)
        command = f"python -m stages.{name} --out {name}.json"
        stages[name] = {"cmd": command, "deps": [f"stages/{name}.py", *deps], "outs": [f"{name}.json"]}
        deps = [f"{name}.json"]
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))


def facts(project: Path, name: str) -> dict[str, Any]:
    return json.loads((project / f"{name}.json").read_text())


def test_a_stage_has_its_arguments_folder_and_environment_and_can_start_processes(finished: Path) -> None:
    found = facts(finished, "second")
    assert found["arguments"] == ["--out", "second.json"]
    assert (found["folder"], found["stage"], found["name"]) == (str(finished), "second", "second.py")
    assert found["answer"] == 42


def test_what_one_stage_imports_is_there_when_the_next_one_starts(finished: Path) -> None:
    first, second = facts(finished, "first"), facts(finished, "second")
    assert (first["before"], second["before"]) == (False, True)
    assert first["parent"] == second["parent"]


def test_the_projects_own_code_is_read_anew_by_each_stage(finished: Path) -> None:
    assert (facts(finished, "first")["word"], facts(finished, "second")["word"]) == ("ink", "paper")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import sys\nsys.exit('no ink left')", r"no ink left\n(?s:.*)exited with 1"),
        ("1 / 0", r"Traceback(?s:.*)stages/first.py(?s:.*)ZeroDivisionError(?s:.*)exited with 1"),
        (
            "raise OSError(28, 'No space left on device', 'x')",
            r"(?s)\A(?!.*Traceback).*stages.first: .*No space left on device: 'x'; free some.*exited with 1",
        ),
        ("import os\nos.kill(os.getpid(), 9)", "exited with -9"),
        ("import os\nos.kill(os.getppid(), 9)", "exited with -9"),
    ],
)
def test_a_stage_fails_as_its_command_would(project: Path, source: str, said: str) -> None:
    write(project, first=source)
    with pytest.raises(dvc.DvcError, match=said):
        dvc.reproduce(root=project)


def test_a_stage_with_words_for_the_shell_is_run_by_the_shell(project: Path) -> None:
    write(project, first="import sys\nprint(sys.argv[1:])")
    command = "python -m stages.first 'two words' $DVC_STAGE > first.txt"
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"first": {"cmd": command, "outs": ["first.txt"]}}}))
    dvc.reproduce(root=project)
    assert (project / "first.txt").read_text() == "['two words', 'first']\n"


def test_another_command_runs_as_dvc_runs_it(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages:\n  first:\n    cmd: echo ink > first.txt\n    outs: [first.txt]\n")
    dvc.reproduce(root=project)
    assert (project / "first.txt").read_text() == "ink\n"
