"""Every command of the README does what it says there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from PIL import Image

from culturebench.checks import problems
from import_graph import ROOT
from workspace import Workspace

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"(?ms)^```bash\n(.*?)^```", README) for line in block.splitlines()]
#: `make check` and `make test` are what runs this test.
AROUND = {"make check", "make test"}
#: It would open a window.
LEFT_OUT = {"culturebench report --open"}
CHEAP = [line for line in COMMANDS if line not in AROUND | LEFT_OUT]


def run(workspace: Workspace, command: str) -> str:
    """A command line as a person gives it in the project's root; returns what it prints."""
    result = subprocess.run(
        shlex.split(command),
        cwd=workspace.root,
        env=workspace.shell,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def test_the_readme_has_the_commands_that_this_test_knows() -> None:
    assert "make repro" in CHEAP
    assert set(COMMANDS) >= AROUND | LEFT_OUT
    assert all(line.startswith(("make ", "culturebench ", "dvc ")) for line in COMMANDS)


@pytest.mark.slow
@pytest.mark.xdist_group("pipeline")
@pytest.mark.parametrize("command", CHEAP)
def test_a_command_of_the_readme_runs(finished: Workspace, command: str) -> None:
    printed = run(finished, command)
    if command == "make repro":
        assert "Data and pipelines are up to date." in printed
        assert f"The report is at {finished.root}/reports/index.html" in printed


@pytest.mark.slow
@pytest.mark.xdist_group("pipeline")
def test_a_folder_of_ones_own_pictures_is_collected_as_the_readme_says(workspace: Workspace) -> None:
    (snippet,) = re.findall(r"(?ms)^```yaml\n(.*?)^```", README)
    source = yaml.safe_load(snippet)["collect"]["sources"][0]
    workspace.edit_params(lambda params: params["collect"].update(sources=[source]))
    assert problems(workspace.root) == []
    for number, region in enumerate(("jp", "nl", "ua")):
        folder = workspace.root / source["path"] / region
        folder.mkdir(parents=True)
        Image.effect_noise((300, 200), 60 + number).convert("RGB").save(folder / "picture.png")
        (folder / "broken.jpg").write_bytes(b"<html>not found</html>")
    run(workspace, "dvc repro screen")
    counted = run(workspace, "dvc repro split")
    assert "split" in counted
    counts = workspace.load_json("reports/metrics/data.json")["regions"]["jp"]
    assert counts["collect"]["kept"] + sum(counts["collect"]["dropped"].values()) == 2


def test_every_path_that_the_readme_names_exists() -> None:
    named = {word.strip("`") for word in re.findall(r"`[\w./<>-]+`", README)}
    made = ("data", "models", "reports/metrics", ".venv", "my-pictures")
    paths = {word for word in named if "/" in word and "<" not in word and not word.startswith(made)}
    missing = {word for word in paths if not (ROOT / word).exists()}
    assert not missing
    assert Path(ROOT / "annotations/guidelines.md").exists()
