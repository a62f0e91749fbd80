"""How far the annotators of a region agree, and how often each was right on pictures with a known answer."""

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json

STAGE = "annotate"
DIRECTORY = "data/agreement"
PATH = DIRECTORY + "/{region}.json"


def save(path: Path, values: dict[str, Any]) -> None:
    """`{pictures, alpha, annotators: {pseudonym: {decisions, gold, gold_right}}}`; alpha may be null."""
    save_json(path, values)


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote; `ArtifactError` names the stage that makes it."""
    return load_json(path, STAGE)
