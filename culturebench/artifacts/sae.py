"""The sparse autoencoders of an encoder: one folder per seed, and their quality."""

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

STAGE = "train_sae"
DIRECTORY = "models/sae"
PATH = DIRECTORY + "/{encoder}"
BOUND = "models/bound/{model}/{encoder}/sae"  # bind_encoder's copy


def seed_folder(folder: Path, seed: int) -> Path:
    """Where the autoencoder of `seed` lies: `sae.safetensors` and `config.json`."""
    return folder / f"seed{seed}"


def seeds(folder: Path) -> list[int]:
    """The seeds of the autoencoders in `folder`, ascending; `ArtifactError` when there is none."""
    found = sorted(int(path.name.removeprefix("seed")) for path in folder.glob("seed*") if path.name[4:].isdigit())
    if not found:
        raise ArtifactError(f"{folder} holds no autoencoder; run `dvc repro {STAGE}`")
    return found


def save_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    """Write `metrics.json`: layer, tokens, and for each seed fvu, l0 and dead."""
    save_json(folder / "metrics.json", metrics)


def load_metrics(folder: Path) -> dict[str, Any]:
    """What `save_metrics` wrote; `ArtifactError` when it is missing or damaged."""
    return load_json(folder / "metrics.json", STAGE)
