"""The sparse autoencoders of an encoder: one folder per seed, and their quality."""

from pathlib import Path
from typing import TypedDict

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError, made_by

STAGE = "train_sae"
DIRECTORY = "models/sae"
PATH = DIRECTORY + "/{encoder}"
BOUND = "models/bound/{model}/{encoder}/sae"  # bind_encoder's copy


class Step(TypedDict):
    """One point of a training: unexplained variance, latents a token, share of silent latents."""

    step: float
    fvu: float
    l0: float
    dead: float


class Quality(TypedDict):
    """The autoencoder of one seed on the detect split, and its training."""

    fvu: float
    l0: float
    dead: float
    history: list[Step]


class Metrics(TypedDict):
    """All autoencoders of an encoder; a seed is a text, as JSON has it. `made_on`: the kind of processor."""

    made_on: str
    layer: int
    train_tokens: int
    detect_tokens: int
    seeds: dict[str, Quality]


def seed_folder(folder: Path, seed: int) -> Path:
    """Where the autoencoder of `seed` lies: `sae.safetensors` and `config.json`."""
    return folder / f"seed{seed}"


def seeds(folder: Path) -> list[int]:
    """The seeds of the autoencoders in `folder`, ascending; `ArtifactError` when there is none."""
    found = sorted(int(path.name.removeprefix("seed")) for path in folder.glob("seed*") if path.name[4:].isdigit())
    if not found:
        raise ArtifactError(f"{folder} holds no autoencoder; run `dvc repro {made_by(folder, STAGE)}`")
    return found


def save_metrics(folder: Path, metrics: Metrics) -> None:
    """Write `metrics.json`."""
    save_json(folder / "metrics.json", metrics)


def load_metrics(folder: Path) -> Metrics:
    """What `save_metrics` wrote; `ArtifactError` when it is missing or damaged."""
    return load_json(folder / "metrics.json", STAGE)
