"""A model of examples/models in params.yaml: entries, judges, measures and the paper's numbers, and the way back."""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culturebench.checks import problems
from culturebench.errors import CultureBenchError
from culturebench.params import load_document
from culturebench.params.pins import PinSource
from culturebench.pins import to_do
from culturebench.switching.text import with_entries, with_value

PARAMS = "params.yaml"
EXAMPLES = "examples/models"
JUDGE, MEASURES = "examples/judges/qwen3_vl.yaml", "examples/measures/published.yaml"
#: params.yaml before and after a model was added; commit it with params.yaml.
UNDO = ".dvc/culturebench/models/{name}.json"
#: Systems that the paper trains an enhancer for and amplifies, and its numbers.
OF_PAPER = ("altdiffusion_m18", "pea_diffusion")
NUMBERS: Sequence[tuple[list[str], Any]] = (
    (["train_enhancer", "objective"], "sample_k"),
    (["train_enhancer", "loss_space"], "pixel"),
    (["train_enhancer", "steps"], 2000),
    (["train_enhancer", "batch_size"], 1),
    (["train_enhancer", "learning_rate"], 5.0e-5),
    (["tune_strength", "amplify"], list(range(9))),
    (["train_sae", "expansion"], 4),  # 4,096 latents of 1,024 dimensions
    (["train_sae", "k"], 32),  # our reading; the paper gives none
    (["train_sae", "learning_rate"], 4.0e-4),
)


class SwitchError(CultureBenchError):
    """A model that cannot be added, or taken out again."""


@dataclass(frozen=True)
class Added:
    """What was done: the changed lines, the pins with what to do for each, and what the example says beside them."""

    lines: list[str]
    pins: dict[str, str]
    notes: list[str]


def examples(root: Path) -> dict[str, Path]:
    """The models that can be added, by name."""
    return {path.stem: path for path in sorted((root / EXAMPLES).glob("*.yaml"))}


def added(root: Path) -> list[str]:
    """The models that were added and not taken out."""
    return sorted(path.stem for path in (root / UNDO).parent.glob("*.json"))


def add(root: Path, name: str, commits: Mapping[str, str], *, beside: bool) -> Added:
    """Put a model of the examples into params.yaml; `SwitchError` for one that is unknown, or there.

    Nothing is changed when params.yaml is not in order before or would not be afterwards.
    `commits`: pin -> full commit; the key "" is of the model's own repository. `beside`: what is there stays.
    """
    known = examples(root)
    if name not in known:
        raise SwitchError(f"there is no {EXAMPLES}/{name}.yaml; there are: {', '.join(known)}")
    path, undo = root / PARAMS, root / UNDO.format(name=name)
    before = path.read_text(encoding="utf-8")
    if undo.is_file() or name in load_document(path).get("models", {}):
        raise SwitchError(f"{name} is in params.yaml; `culturebench model remove {name}` takes it out")
    if wrong := problems(root):
        raise SwitchError("params.yaml is not in order as it is, mend it first: " + "; ".join(wrong))
    entries = [load_document(part) for part in _parts(root, name)]
    pins = _pinned({pin: source for part in entries for pin, source in part["pins"].items()}, entries[0], commits)
    after = _changed(before, name, entries, pins, beside=beside)
    _replace(path, after)
    if wrong := problems(root):
        _replace(path, before)
        raise SwitchError(f"{name} does not fit into params.yaml: " + "; ".join(wrong))
    undo.parent.mkdir(parents=True, exist_ok=True)
    _replace(undo, json.dumps({"before": before, "after": after}, ensure_ascii=False, indent=0) + "\n")
    lines = [line for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
             if line[0] in "+-" and not line.startswith(("+++", "---"))]  # fmt: skip
    return Added(
        lines,
        {pin: to_do(pin, PinSource.model_validate(source), root) or "there" for pin, source in pins.items()},
        _notes(known[name]),
    )


def remove(root: Path, name: str) -> None:
    """Take an added model out: params.yaml is as it was, but for what was changed since elsewhere in it.

    `SwitchError` for a model that was not added, and where what was added has been changed.
    """
    path, undo = root / PARAMS, root / UNDO.format(name=name)
    if not undo.is_file():
        raise SwitchError(f"{name} was not added by `model add`; added were: {', '.join(added(root)) or 'none'}")
    kept = json.loads(undo.read_text(encoding="utf-8"))
    now = path.read_text(encoding="utf-8")
    _replace(path, kept["before"] if now == kept["after"] else _merged(now, kept["after"], kept["before"], name))
    if wrong := problems(root):
        _replace(path, now)
        raise SwitchError(f"without {name} params.yaml does not fit: " + "; ".join(wrong))
    undo.unlink()


def _parts(root: Path, name: str) -> list[Path]:
    parts = [root / EXAMPLES / f"{name}.yaml", root / JUDGE, root / MEASURES]
    return [part for part in parts if part.is_file()]


def _pinned(pins: dict[str, Any], model: dict[str, Any], commits: Mapping[str, str]) -> dict[str, Any]:
    own = next(iter(model["models"].values()))["pin"]
    wanted = {pin or own: commit for pin, commit in commits.items()}
    if unknown := sorted(set(wanted) - set(pins)):
        raise SwitchError(f"no pin is named {', '.join(unknown)}; there are: {', '.join(pins)}")
    if local := sorted(pin for pin in wanted if not pins[pin].get("repo")):
        raise SwitchError(f"{', '.join(local)}: a folder of your own has no commit")
    return {pin: {**source, **({"commit": wanted[pin]} if pin in wanted else {})} for pin, source in pins.items()}


def _changed(text: str, name: str, entries: list[dict[str, Any]], pins: dict[str, Any], *, beside: bool) -> str:
    model, others = entries[0], entries[1:]
    text = with_entries(text, "pins", pins, beside=True)
    for section in ("encoders", "models"):
        text = with_entries(text, section, model[section], beside=beside)
    for part in others:
        if "judges" in part:
            text = with_entries(text, "judges", part["judges"], beside=beside)
        for key, value in part.get("measure", {}).items():
            if not (beside and key == "alignment"):
                text = with_value(text, ["measure", key], value)
    if not beside:
        judges = [judge for part in others for judge in part.get("judges", {})]
        for section in ("tune_strength", "compare_selectors", "describe_neurons"):
            text = with_value(text, [section, "judge"], judges[0]) if judges else text
        if not any("measure" in part for part in others):
            text = with_value(text, ["measure", "alignment"], None)
        if name in OF_PAPER:
            for keys, value in NUMBERS:
                text = with_value(text, keys, value)
    return text


def _notes(example: Path) -> list[str]:
    """The example's first comments, without those that say where to put it."""
    said = [line[2:] for line in example.read_text(encoding="utf-8").split("pins:", 1)[0].splitlines() if line]
    return [line for line in said if not line.startswith(("Put these", "`commit`", "Set `measure"))]


def _merged(now: str, base: str, other: str, name: str) -> str:
    """`now` with the change from `base` to `other` (git merge-file); `SwitchError` where both change one place."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / part for part in ("now", "base", "other")]
        for file, text in zip(files, (now, base, other), strict=True):
            file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["git", "merge-file", "-p", *map(str, files)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SwitchError(
            f"params.yaml was changed where {name} was added, so its lines must be taken out by hand; "
            f"{UNDO.format(name=name)} holds the file as it was before"
        )
    return done.stdout


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
