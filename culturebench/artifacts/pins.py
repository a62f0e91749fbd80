"""A pin: the names, sizes and sha256 of every file of a folder of weights, or of a hub repository at one commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError, made_by

STAGE = "pin_model"
DIRECTORY = "models/pins"
PATH = DIRECTORY + "/{pin}.json"
#: The pins of one text-to-image model, its towers' and its backbone's, gathered by bind_pins.
SYSTEM = "models/systems/{model}"
#: What bind_judge gathers for one judge: its pin, or the names by which regions are shown to it.
JUDGES = "models/judges"
JUDGE = JUDGES + "/{judge}"
#: The pins of all measures, gathered by bind_measures.
MEASURES = "models/measures"
#: The pin by whose features enhancers are trained, if any, by bind_features.
FEATURES = "models/features"


@dataclass(frozen=True)
class PinnedFile:
    """One file: `size` in bytes and its sha256 (64 hex digits)."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Pin:
    """Weights fixed by content; `files` maps a path relative to `folder` to what it must be."""

    name: str
    folder: str  # relative to the project's root
    files: dict[str, PinnedFile]
    # of a hub repository alone
    repo: str | None = None
    commit: str | None = None


def save(path: Path, pin: Pin) -> None:
    """Write the pin as JSON with sorted keys."""
    files = {name: {"size": file.size, "sha256": file.sha256} for name, file in pin.files.items()}
    hub = {"repo": pin.repo, "commit": pin.commit} if pin.repo else {}
    save_json(path, {"name": pin.name, "folder": pin.folder, "files": files, **hub})


def load(path: Path) -> Pin:
    """The pin; `ArtifactError` when the file is missing, damaged or of another shape."""
    content: Any = load_json(path, STAGE)
    try:
        files = {name: PinnedFile(int(file["size"]), str(file["sha256"])) for name, file in content["files"].items()}
        return Pin(str(content["name"]), str(content["folder"]), files, content.get("repo"), content.get("commit"))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ArtifactError(f"{path} is no pin; run `dvc repro -f {made_by(path, STAGE)}`") from None
