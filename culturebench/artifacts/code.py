"""What the code of each stage is: a digest by stage, by which dvc.yaml lets a stage depend on its own."""

from __future__ import annotations

from pathlib import Path

from culturebench.artifacts._json import JsonFile, maps_to
from culturebench.artifacts._table import ArtifactError

STAGE = "code"
PATH = "code.json"

FILE: JsonFile[dict[str, str]] = JsonFile(STAGE, "a digest by stage", maps_to(str))
load = FILE.load


def save(path: Path, digests: dict[str, str]) -> None:
    """Write the digests; a file that says the same is left as it is, down to its time."""
    try:
        if load(path) == digests:
            return
    except ArtifactError:
        pass
    FILE.save(path, digests)
