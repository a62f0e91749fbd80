"""How strongly each edit acts: the chosen lambda, the curve it was chosen from, and the rule in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import JsonFile
from culturebench.artifacts._table import ArtifactError

STAGE = "tune_strength"
DIRECTORY = "models/strength"
PATH = DIRECTORY + "/{model}.json"
#: What every point of a curve holds: accuracy is CultureVQA by the tuning judge, alignment the share of right
#: objects, with the interval of the accuracy; `allowed` says whether the alignment is high enough.
POINT = ("strength", "accuracy", "low", "high", "error", "alignment", "allowed", "n_prompts", "n_images")


def _whole(content: Any) -> bool:
    curves = [value for value in content.values() if isinstance(value, dict) and "curve" in value]
    return bool(curves) and all(
        isinstance(one["strength"], int | float) and all(set(point) == set(POINT) for point in one["curve"])
        for one in curves
    )


#: By the name of a tuned edit `{"strength", "found", "curve"}`, and `judge`, `rule`, `mismatch`, `firing`, `seeds`,
#: `prompts`. `mismatch` maps each random control to how far it misses the norm of its edit, as a share; null at
#: strength 0. `firing` says on what share of a region's cultural prompts its `culture` neurons and its `random` ones
#: fire.
FILE = JsonFile(STAGE, "the strengths of edits", _whole)
save, load = FILE.save, FILE.load


def chosen(path: Path, edit: str) -> float:
    """The lambda that was chosen for an edit; `ArtifactError` when it has not been tuned."""
    found = load(path)
    if edit not in found:
        raise ArtifactError(f"{path} has no strength of `{edit}`; run `dvc repro -f {STAGE}`")
    return float(found[edit]["strength"])
