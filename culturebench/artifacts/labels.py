"""The names by which the regions are shown to a judge that reads: code -> `judge_label` of the region file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

STAGE = "bind_judge"
PATH = "models/judges/{judge}/labels.json"
MEASURES_PATH = "models/measures/labels.json"  # by bind_measures
#: Each region's own, by the stage `caption`: so nothing else of a region file reaches a judge.
DIRECTORY = "data/labels"
REGION_PATH = DIRECTORY + "/{region}.json"


def save(path: Path, labels: Mapping[str, str]) -> None:
    """Write the mapping as JSON with sorted keys."""
    save_json(path, dict(labels))


def load(path: Path) -> dict[str, str]:
    """The mapping; `ArtifactError` when the file is missing, damaged or of another shape."""
    content = load_json(path, STAGE)
    if not isinstance(content, dict) or not all(isinstance(label, str) for label in content.values()):
        raise ArtifactError(f"{path} holds no labels; run `dvc repro -f {STAGE}`")
    return content
