"""Every command of README.md, CONTRIBUTING.md and docs/ does what it says there."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import yaml
from PIL import Image

from culturebench.checks import problems
from documents import blocks, commands
from workspace import Workspace

COMMANDS = commands("bash")
#: `make check` and `make test` are what runs this test.
AROUND = {"make check", "make test"}
#: It would open a window.
LEFT_OUT = {"culturebench report --open"}
#: A server, a worker and a run: tests/flows/test_server.py gives these commands.
SERVER = {line for line in COMMANDS if re.match(r"culturebench server |prefect |export ", line)}
#: They serve until they are stopped: tests/pipeline/test_explore_page.py gives these commands.
SERVING = {line for line in COMMANDS if line.startswith("culturebench explore")}
#: They change the project: a copy of it is given them in one test each.
CHANGING = {
    line
    for line in COMMANDS
    if re.match(r"culturebench (release|forget|region add|report --figure|annotate accept) ", line)
}
#: They need a region of the web and its experts: tests/pipeline/test_extension.py gives these commands.
EXTENDING = {line for line in COMMANDS if " --region vn" in line}
CHEAP = sorted({*COMMANDS} - AROUND - LEFT_OUT - SERVER - SERVING - CHANGING - EXTENDING, key=COMMANDS.index)


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


def test_the_documents_have_the_commands_that_this_test_knows() -> None:
    assert "make repro" in CHEAP
    assert set(COMMANDS) >= AROUND | LEFT_OUT
    assert all(line.startswith(("make ", "culturebench ", "dvc ")) for line in {*COMMANDS} - SERVER)
    assert {"culturebench explore"} == SERVING
    assert set(SERVER) >= {"culturebench server up", "culturebench server down"}


@pytest.mark.slow
@pytest.mark.xdist_group("documents")
@pytest.mark.parametrize("command", CHEAP)
def test_a_command_of_the_documents_runs(finished: Workspace, command: str) -> None:
    printed = run(finished, command)
    if command == "make repro":
        assert "Data and pipelines are up to date." in printed
        assert f"The report is at {finished.root}/reports/index.html" in printed


@pytest.mark.slow
def test_a_folder_of_ones_own_pictures_is_collected_as_the_documents_say(workspace: Workspace) -> None:
    (block,) = blocks("yaml", section="Your own pictures")
    source = yaml.safe_load(block.text)["collect"]["sources"][0]
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


@pytest.mark.slow
def test_a_release_a_takedown_and_a_new_region_go_as_the_documents_say(workspace: Workspace) -> None:
    add, release, forget = (
        next(line for line in CHANGING if line.startswith(f"culturebench {word}"))
        for word in ("region add", "release", "forget")
    )
    assert "pictures in" in run(workspace, release)
    table = workspace.root / "release/ATTRIBUTION.csv"
    sha256 = table.read_text(encoding="utf-8").splitlines()[1].rsplit(",", 1)[1]
    assert "commit that" in run(workspace, forget.replace("SHA256", sha256))
    run(workspace, "dvc repro split")
    run(workspace, release)
    assert sha256 not in table.read_text(encoding="utf-8")
    run(workspace, add)
    assert "vn" in yaml.safe_load((workspace.root / "params.yaml").read_text(encoding="utf-8"))["regions"]
    assert problems(workspace.root) == []


@pytest.mark.slow
def test_the_figure_is_drawn_as_the_documents_say(workspace: Workspace) -> None:
    (line,) = (line for line in CHANGING if line.startswith("culturebench report --figure"))
    before = (workspace.root / "docs/result.png").read_bytes()
    assert "The figure is at" in run(workspace, line)
    with Image.open(workspace.root / "docs/result.png") as figure:
        assert figure.height > 3 * 128  # three regions' pictures above the bars
    assert (workspace.root / "docs/result.png").read_bytes() != before
