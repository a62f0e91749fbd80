"""A project of one text encoder and no picture model: its params, its pipeline, and the run of its stages by DVC."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from culturebench.errors import CultureBenchError
from examples.real_encoder import pairs

ROOT = Path(__file__).parents[2]
#: The encoder as the layer's rule leaves it, and what it is called where params name the layer to go on with.
ENCODER = "e5"
AT_INDEX = "e5_index_{index}"
#: More pairs than there are: nothing is marked, so that `when_none` names the layer.
NEVER = 10**6
STAGES = ("pin_model", "probe_layers", "check_layers", "train_sae", "select_neurons")
SECTIONS = ("regions", "engine", "probe_layers", "check_layers", "train_sae", "select_neurons")
#: What is other than in the project's own params.yaml: sizes for an encoder of 384 dimensions and an hour.
CHANGED: dict[str, dict[str, Any]] = {
    "probe_layers": {"when_none": 10},
    "check_layers": {"max_pairs": 150},
    "train_sae": {"seeds": [0, 1, 2], "steps": 1000, "batch_size": 512, "dead_after": 100, "max_prompts": 2000},
}


class StageError(CultureBenchError):
    """A stage that failed; what it said stands above."""


def write(folder: Path, weights: Path, indices: tuple[int, ...], *, english: bool) -> None:
    """Write params, pipeline and pairs of a project whose stages run at each of the layers `indices`."""
    folder.mkdir(parents=True, exist_ok=True)
    params = params_of(Path(os.path.relpath(weights, folder)), indices)
    _write_yaml(folder / "params.yaml", params)
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    _write_yaml(folder / "dvc.yaml", {"stages": {name: pipeline["stages"][name] for name in STAGES}})
    for name in ("code.json", "requirements.lock"):
        shutil.copyfile(ROOT / name, folder / name)
    pairs.write(ROOT, folder, params["regions"], english=english)


def params_of(weights: Path, indices: tuple[int, ...]) -> dict[str, Any]:
    """The project's params: those of this repository, but for what is `CHANGED`, the encoder, and its layers."""
    own = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    found = {name: own[name] for name in SECTIONS}
    for name, values in CHANGED.items():
        found[name] |= values
    for name in SECTIONS[2:]:
        found[name].pop("encoders", None)  # of the atlas
    weights_anew = found["probe_layers"]["reinitialised"]
    named = {
        AT_INDEX.format(index=index): {
            "min_pairs": NEVER,
            "when_none": index,
            "reinitialised": {**weights_anew, "copies": 0},  # ENCODER's own are the same
        }
        for index in indices
    }
    found["probe_layers"]["encoders"] = named
    found["pins"] = {ENCODER: {"folder": weights.as_posix()}}
    found["encoders"] = {name: {"adapter": "transformers", "pin": ENCODER} for name in (ENCODER, *named)}
    found["models"] = {}
    return found


def run(folder: Path, indices: tuple[int, ...]) -> None:
    """Bring the stages up to date; what is done already, DVC leaves alone. `StageError` when one fails."""
    at = [AT_INDEX.format(index=index) for index in indices]
    targets = [
        *(f"probe_layers@{name}" for name in (ENCODER, *at)),
        f"check_layers@{ENCODER}",
        *(f"select_neurons@{name}" for name in at),
    ]
    if not (folder / ".dvc").is_dir():
        _dvc(folder, "init", "--no-scm", "--quiet")
    _dvc(folder, "repro", *targets)


def _dvc(folder: Path, *arguments: str) -> None:
    bin = Path(sys.executable).parent
    path = {"PYTHONPATH": str(ROOT), "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env={**os.environ, **path}, check=False
    )
    if done.returncode:
        raise StageError(f"`dvc {' '.join(arguments)}` failed in {folder}; mend what it says above, and run again")


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
