"""A published system is added beside one that is out of reach, runs whole, and is taken out again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

import layouts
import painter
import tiny_measures
from culturebench.artifacts import comparison, enhancer, layer_probe, strength
from culturebench.checks import problems
from culturebench.pins import HUB_FILE
from workspace import Params, Workspace

pytestmark = pytest.mark.slow

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PINS = ("sdxl", "qwen3_vl", "clip_b32", "clip_multilingual", "image_reward")


def smaller(params: Params) -> None:
    """No chapters that no model of the project has a part in, and a painter's worker in the atlas's place."""
    params |= {"audits": {}, "questions": {}, "study": {}}
    params["pins"]["painter"] = {"folder": "painter"}
    params["encoders"]["atlas"]["probed"] = False
    command = ["python", "painter/worker.py"]
    params["models"] = {
        "painter": {"adapter": "show_o2", "towers": [], "pin": "painter", "size": 32, "command": command}
    }
    params["judges"] = {"atlas_cnn": params["judges"]["atlas_cnn"]}
    params["generate"] |= {"prompts_per_region": 1, "seeds": [0, 1], "control_seeds": 1}
    params["tune_strength"]["amplify"] = [0, 2]
    params["compare_selectors"]["selectors"] = ["wfs", "random"]
    # with random weights noun prompts rank as high as cultural ones, and a region is left without neurons
    params["select_neurons"] |= {"drop": "before_elbow", "min_k": 16}
    params["train_enhancer"] |= {"steps": 2, "log_every": 2, "checkpoint_every": 2}


def write_weights(root: Path) -> None:
    """What `culturebench pins fetch` would bring, in tiny and random."""
    folder = root / "models/weights"
    layouts.write("sdxl", folder / "sdxl")
    layouts.write("qwen3_vl", folder / "qwen3_vl")
    tiny_measures.clip(folder / "clip_b32")
    tiny_measures.sentence_tower(folder / "clip_multilingual")
    tiny_measures.image_reward(folder / "image_reward")
    tiny_measures.lpips(folder / "lpips", "alex").rename(folder / "lpips_alex")
    pins = yaml.safe_load((root / "params.yaml").read_text())["pins"]
    for name in PINS:
        held = {"repo": pins[name]["repo"], "commit": COMMIT}
        (root / pins[name]["folder"] / HUB_FILE).write_text(json.dumps(held))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.fresh(tmp_path_factory.mktemp("added"))
    (made.root / "painter").mkdir()
    painter.command(made.root / "painter")
    made.edit_params(smaller)
    made.edit("examples/models/sdxl.yaml", lambda text: text.replace("steps: 40", "steps: 1").replace("1024", "32"))
    return made


def model(workspace: Workspace, *arguments: str) -> str:
    """`culturebench model …`, as a person types it."""
    command = [".venv/bin/culturebench", "model", *arguments]
    done = subprocess.run(command, cwd=workspace.root, env=workspace.shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def layer(root: Path, encoder: str) -> Path:
    return root / layer_probe.LAYER_PATH.format(encoder=encoder)


def test_a_system_is_added_with_one_command_runs_whole_and_is_taken_out_without_a_trace(workspace: Workspace) -> None:
    root, path = workspace.root, workspace.root / "params.yaml"
    before = path.read_bytes()
    model(workspace, "add", "sdxl", "--beside", *(f"--commit={pin}={COMMIT}" for pin in PINS))
    write_weights(root)
    assert problems(root) == []
    outcomes = workspace.repro()
    assert set(outcomes.values()) == {"ran"}

    page = (root / "reports/index.html").read_text(encoding="utf-8")
    assert page.count("the text encoders of the adapter show_o2 are out of reach") == 1
    chapter = page[page.rindex("<h2>sdxl</h2>") :]
    for said in ("How strong to push", "Which neurons carry it", "Training the enhancer at the culture layer"):
        assert said in chapter
    probed = [name for name in ("atlas", "sdxl_clip_l", "sdxl_clip_g") if not layer_probe.closed(layer(root, name))]
    assert probed == ["sdxl_clip_g"]
    evaluation = json.loads((root / "reports/metrics/evaluation.json").read_text())
    made = {(row["model"], row["condition"]) for row in evaluation}
    plain, changed = {"noun", "cultural"}, {"amplified", "enhanced"}
    assert made == {("painter", name) for name in plain} | {("sdxl", name) for name in plain | changed}
    measured = {row["measure"] for row in evaluation if row["model"] == "sdxl" and row["value"] is not None}
    assert {"culture_vqa", "clip_score", "image_reward", "lpips_reference", "vendi_score"} <= measured

    assert "closed" in strength.load(root / strength.PATH.format(model="painter"))
    assert comparison.load(root / comparison.PATH.format(model="painter"))["selectors"] == {}
    assert not list((root / enhancer.PATH.format(model="painter", site="culture")).iterdir())
    assert set(workspace.repro().values()) == {"cached"}

    model(workspace, "remove", "sdxl")
    assert path.read_bytes() == before
    assert problems(root) == []
