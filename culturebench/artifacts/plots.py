"""What `dvc plots` draws of the probing: cultural attention by layer, scores by rank, accuracy by strength."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from culturebench.artifacts._csv import save_csv

STAGE = "report"
LAYERS_PATH = "reports/plots/layers.csv"
NEURONS_PATH = "reports/plots/wfs.csv"
STRENGTH_PATH = "reports/plots/strength.csv"

LAYER_COLUMNS = ("model", "encoder", "direction", "reference", "layer", "delta", "low", "high", "candidate", "marked")
NEURON_COLUMNS = ("model", "encoder", "region", "sae_seed", "rank", "latent", "score", "score_noun", "selected")
STRENGTH_COLUMNS = ("model", "edit", "strength", "accuracy", "low", "high", "alignment", "allowed")
LAST_RANK = 64  # scores behind it are flat

Row = dict[str, Any]


def save_layers(path: Path, rows: Iterable[Row]) -> None:
    """One row per model, tower, direction, reference and layer (0-based)."""
    save_csv(path, LAYER_COLUMNS, rows)


def save_neurons(path: Path, rows: Iterable[Row]) -> None:
    """The best latents of each region and SAE seed, by rank."""
    best = (row for row in rows if row["rank"] < LAST_RANK)
    ordered = sorted(best, key=lambda row: tuple(row[name] for name in NEURON_COLUMNS[:5]))
    save_csv(path, NEURON_COLUMNS, ordered)


def save_strength(path: Path, rows: Iterable[Row]) -> None:
    """One row per model, edit and lambda."""
    save_csv(path, STRENGTH_COLUMNS, rows)
