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
from culturebench.params.collect import Collect
from culturebench.params.deduplicate import Deduplicate
from culturebench.params.judges import Judges
from culturebench.params.screen import Screen
from import_graph import ROOT
from workspace import Workspace

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"(?ms)^```bash\n(.*?)^```", README) for line in block.splitlines()]
SNIPPETS = [yaml.safe_load(block) for block in re.findall(r"(?ms)^```yaml\n(.*?)^```", README)]
#: `make check` and `make test` are what runs this test.
AROUND = {"make check", "make test"}
#: It would open a window.
LEFT_OUT = {"culturebench report --open"}
#: A server, a worker and a run: tests/flows/test_server.py gives these commands.
SERVER = {line for line in COMMANDS if re.match(r"culturebench (up|down)$|prefect |export ", line)}
#: They change the project: a copy of it is given them in one test.
CHANGING = {line for line in COMMANDS if re.match(r"culturebench (release|forget|region add) ", line)}
#: They need a region of the web and its experts: tests/pipeline/test_extension.py gives these commands.
EXTENDING = {line for line in COMMANDS if " --region vn" in line}
CHEAP = [line for line in COMMANDS if line not in AROUND | LEFT_OUT | SERVER | CHANGING | EXTENDING]


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
    assert all(line.startswith(("make ", "culturebench ", "dvc ")) for line in {*COMMANDS} - SERVER)


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
    source = SNIPPETS[0]["collect"]["sources"][0]
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
@pytest.mark.xdist_group("pipeline")
def test_a_release_a_takedown_and_a_new_region_go_as_the_readme_says(workspace: Workspace) -> None:
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


def test_the_params_for_sources_on_the_web_are_valid_as_the_readme_gives_them() -> None:
    (asked,) = [snippet["collect"] for snippet in SNIPPETS if "web" in snippet.get("collect", {})]
    ours = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["collect"]
    params = Collect.model_validate({**ours, **asked, "web": {**ours["web"], **asked["web"]}})
    assert {source.kind for source in params.sources} == {"commons", "wikidata", "wikipedia", "openverse"}


def test_the_params_for_ones_own_models_are_valid_as_the_readme_gives_them() -> None:
    (asked,) = [snippet for snippet in SNIPPETS if "deduplicate" in snippet]
    ours = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    screen = Screen.model_validate(ours["screen"] | asked["screen"])
    assert screen.relevance and screen.safety
    assert Deduplicate.model_validate(ours["deduplicate"] | asked["deduplicate"]).embedding


def test_the_params_for_a_judge_of_ones_own_are_valid_as_the_readme_gives_them() -> None:
    (asked,) = [snippet["judges"] for snippet in SNIPPETS if "judges" in snippet]
    assert {judge.kind for judge in Judges.model_validate(asked).root.values()} == {"atlas", "openai"}


def test_every_path_that_the_readme_names_exists() -> None:
    named = {word.strip("`") for word in re.findall(r"`[\w./<>-]+`", README)}
    made = ("data", "models", "release", "reports/drift", "reports/metrics", ".venv", "my-pictures")
    paths = {word for word in named if "/" in word and "<" not in word and not word.startswith(made)}
    missing = {word for word in paths if not (ROOT / word).exists()}
    assert not missing
    assert Path(ROOT / "annotations/guidelines.md").exists()
