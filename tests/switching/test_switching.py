"""`culturebench model`: one command puts a model into params.yaml, another takes it out, and nothing else moves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from culturebench import cli
from culturebench.checks import problems
from culturebench.pins import HUB_FILE
from culturebench.switching.add import SwitchError, add, added, examples, remove
from culturebench.switching.text import with_entries, with_value
from import_graph import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAMES = [path.stem for path in sorted((ROOT / "examples/models").glob("*.yaml"))]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What switching reads of a clone."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name in ("annotations", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def document(project: Path) -> dict[str, Any]:
    return yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_added_whole_and_removed_without_a_trace(project: Path, name: str, beside: bool) -> None:
    path = project / "params.yaml"
    before, entries = path.read_bytes(), yaml.safe_load(examples(project)[name].read_text(encoding="utf-8"))
    done = add(project, name, {}, beside=beside)
    found = document(project)
    assert problems(project) == []
    assert entries["pins"].items() <= found["pins"].items()
    for section in ("encoders", "models"):
        kept = set(document_of(before)[section]) if beside else set[str]()
        assert set(found[section]) == kept | set(entries[section])
        assert entries[section].items() <= found[section].items()
    assert ("atlas_vit" in found["judges"]) is beside
    assert "qwen3_vl" in found["judges"]
    assert found["tune_strength"]["judge"] == ("atlas_cnn" if beside else "qwen3_vl")
    assert found["measure"]["image_reward"] == {"pin": "image_reward"}
    assert found["measure"]["alignment"] == ("atlas_alignment" if beside else None)
    assert set(done.pins) >= set(entries["pins"])
    assert added(project) == [name]
    remove(project, name)
    assert path.read_bytes() == before
    assert added(project) == []


def document_of(content: bytes) -> dict[str, Any]:
    return yaml.safe_load(content)


def test_comments_stay_and_only_what_changed_is_told(project: Path) -> None:
    before = (project / "params.yaml").read_text(encoding="utf-8").splitlines()
    done = add(project, "pea_diffusion", {}, beside=False)
    after = (project / "params.yaml").read_text(encoding="utf-8").splitlines()
    comments = [line for line in before if line.lstrip().startswith("#")]
    assert [line for line in after if line.lstrip().startswith("#")] == comments
    assert "-  steps: 200" in done.lines
    assert "+  steps: 2000" in done.lines
    assert len(done.lines) < 60


def test_the_papers_systems_take_the_papers_numbers_and_others_keep_theirs(project: Path) -> None:
    plain = document(project)["train_enhancer"]
    add(project, "sdxl", {}, beside=False)
    assert document(project)["train_enhancer"] == plain
    remove(project, "sdxl")
    add(project, "altdiffusion_m18", {}, beside=False)
    found = document(project)
    trained = found["train_enhancer"]
    assert (trained["steps"], trained["batch_size"], trained["learning_rate"]) == (2000, 1, 5e-5)
    assert found["tune_strength"]["amplify"] == list(range(9))
    assert (found["train_sae"]["k"], found["train_sae"]["learning_rate"]) == (32, 4e-4)


def test_commits_go_to_the_models_own_pin_or_to_the_named_one(project: Path) -> None:
    done = add(project, "pea_diffusion", {"": COMMIT, "xlmr_h14": COMMIT}, beside=True)
    pins = document(project)["pins"]
    assert [pins[name]["commit"] == COMMIT for name in ("sdxl", "xlmr_h14", "pea_adapter")] == [True, True, False]
    assert done.pins["sdxl"].startswith("`culturebench pins fetch sdxl`")
    assert done.pins["pea_adapter"].startswith("write its commit into params.yaml")


def test_a_fetched_folder_counts_as_there(project: Path) -> None:
    weights = project / "models/weights/sdxl/unet"
    weights.mkdir(parents=True)
    (weights / "config.json").write_text("{}")
    commits = {"": COMMIT}
    assert "pins fetch sdxl" in add(project, "sdxl", commits, beside=False).pins["sdxl"]  # of which repository?
    remove(project, "sdxl")
    repo = "stabilityai/stable-diffusion-xl-base-1.0"
    (weights.parent / HUB_FILE).write_text(json.dumps({"repo": repo, "commit": COMMIT}))
    assert add(project, "sdxl", commits, beside=False).pins["sdxl"] == "there"


def test_changes_elsewhere_survive_a_removal_and_changes_in_the_same_place_stop_it(project: Path) -> None:
    path = project / "params.yaml"
    before = path.read_text(encoding="utf-8")
    add(project, "sdxl", {}, beside=False)
    path.write_text(path.read_text(encoding="utf-8").replace("  shard_megabytes: 400", "  shard_megabytes: 300"))
    remove(project, "sdxl")
    assert path.read_text(encoding="utf-8") == before.replace("  shard_megabytes: 400", "  shard_megabytes: 300")
    add(project, "sdxl", {}, beside=False)
    changed = path.read_text(encoding="utf-8").replace("guidance: 5.0", "guidance: 7.0")
    path.write_text(changed)
    with pytest.raises(SwitchError, match="was changed where sdxl was added"):
        remove(project, "sdxl")
    assert path.read_text(encoding="utf-8") == changed


def test_what_cannot_be_added_or_removed_is_one_error_and_changes_nothing(project: Path) -> None:
    path = project / "params.yaml"
    before = path.read_bytes()
    for wrong, said in [
        (lambda: add(project, "sdxxl", {}, beside=False), r"there is no examples/models/sdxxl.yaml; there are: .*sdxl"),
        (lambda: add(project, "sdxl", {"sd": COMMIT}, beside=False), "no pin is named sd; there are: sdxl"),
        (lambda: add(project, "diffusers", {"": COMMIT}, beside=False), "no commit|there is no|fit"),
        (lambda: add(project, "sdxl", {"": "main"}, beside=False), "does not fit into params.yaml: .*commit"),
        (lambda: remove(project, "sdxl"), "sdxl was not added by `model add`; added were: none"),
    ]:
        with pytest.raises(SwitchError, match=said):
            wrong()
        assert path.read_bytes() == before
    add(project, "sdxl", {}, beside=True)
    with pytest.raises(SwitchError, match=r"sdxl is in params\.yaml; `culturebench model remove sdxl`"):
        add(project, "sdxl", {}, beside=True)


def test_a_mistake_that_was_there_before_is_not_blamed_on_the_model(project: Path) -> None:
    path = project / "params.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  shard_megabytes: 400", "  shard_megabytes: -1"))
    before = path.read_bytes()
    with pytest.raises(SwitchError, match=r"params\.yaml is not in order as it is, .*shard_megabytes"):
        add(project, "sdxl", {}, beside=False)
    assert path.read_bytes() == before


def test_entries_and_values_are_changed_where_they_stand() -> None:
    text = "a:  # one\n  x: {y: 1}  # two\n  z:\n    w: [1,\n        2]\n# three\nb: 4  # five\nc: {}\n"
    assert with_value(text, ["a", "x", "y"], None) == text.replace("y: 1", "y: null")
    assert with_value(text, ["b"], [1]) == text.replace("b: 4", "b: [1]")
    assert with_entries(text, "a", {"x": 3}, beside=True) == (
        "a:  # one\n  z:\n    w: [1,\n        2]\n  x: 3\n# three\nb: 4  # five\nc: {}\n"
    )
    assert with_entries(text, "a", {"n": 3}, beside=False) == "a:  # one\n  n: 3\n# three\nb: 4  # five\nc: {}\n"
    assert with_entries(text, "c", {"n": 3}, beside=False) == text.replace("c: {}", "c:\n  n: 3")


def test_the_commands_say_what_they_did_and_what_is_left(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (project / "params.yaml").read_bytes()
    monkeypatch.chdir(project)

    def told(*arguments: str) -> str:
        done = CliRunner().invoke(cli.app, ["model", *arguments], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    listed = told("list")
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [
        "atlas",
        *(name for name in NAMES if name != "atlas"),
    ]
    said = told("add", "sdxl", "--commit", COMMIT)
    assert "-  atlas: {adapter: atlas, towers: [atlas], pin: atlas_backbone}" in said
    assert "sdxl: `culturebench pins fetch sdxl` (stabilityai/stable-diffusion-xl-base-1.0)" in said
    assert "qwen3_vl: write its commit into params.yaml" in said
    assert document(project)["pins"]["sdxl"]["commit"] == COMMIT
    assert "added" in told("list")
    told("remove", "sdxl")
    assert (project / "params.yaml").read_bytes() == before
    told("add", "pea_diffusion", "--commit", f"pea_adapter={COMMIT}", "--beside")
    assert document(project)["pins"]["pea_adapter"]["commit"] == COMMIT
