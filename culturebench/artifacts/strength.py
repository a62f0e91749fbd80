"""How strongly each edit acts: the chosen lambda, the curve it was chosen from, and the rule in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

STAGE = "tune_strength"
DIRECTORY = "models/strength"
PATH = DIRECTORY + "/{model}.json"
EDITS = ("amplify", "activate")
#: What every point of a curve holds: accuracy is CultureVQA by the tuning judge, alignment the share of right
#: objects, with the interval of the accuracy; `allowed` says whether the alignment is high enough.
POINT = ("strength", "accuracy", "low", "high", "error", "alignment", "allowed", "n_prompts", "n_images")


def save(path: Path, content: dict[str, Any]) -> None:
    """Write both edits' strengths and curves; `ArtifactError` when something is missing."""
    _check(path, content)
    save_json(path, content)


def load(path: Path) -> dict[str, Any]:
    """Per edit `{"strength", "found", "curve"}`, and `judge`, `rule`, `mismatch`, `seeds`, `prompts`.

    `mismatch` maps each random control to how far it misses the norm of its edit, as a share; null at strength 0.
    """
    content = load_json(path, STAGE)
    _check(path, content)
    return content


def _check(path: Path, content: Any) -> None:
    try:
        whole = all(
            isinstance(content[edit]["strength"], int | float)
            and all(set(point) == set(POINT) for point in content[edit]["curve"])
            for edit in EDITS
        )
    except (KeyError, TypeError):
        whole = False
    if not whole:
        raise ArtifactError(f"{path} does not hold the strengths of {' and '.join(EDITS)}; run `dvc repro -f {STAGE}`")
