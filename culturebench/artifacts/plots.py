"""What `dvc plots` draws of the probing: cultural attention by layer, scores by rank, accuracy by strength."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from culturebench.artifacts import layer_probe, neurons, strength
from culturebench.artifacts._csv import save_csv

STAGE = "report"
LAYERS_PATH = "reports/plots/layers.csv"
NEURONS_PATH = "reports/plots/wfs.csv"
STRENGTH_PATH = "reports/plots/strength.csv"

LAYER_COLUMNS = ("model", "encoder", "direction", "reference", "layer", "delta", "low", "high", "candidate", "marked")
NEURON_COLUMNS = ("model", "encoder", "region", "sae_seed", "rank", "latent", "score", "score_noun", "selected")
STRENGTH_COLUMNS = ("model", "edit", "strength", "accuracy", "low", "high", "alignment", "allowed")
LAST_RANK = 64  # scores behind it are flat


class LayerRow(layer_probe.Point):
    """One layer (0-based) of one tower under one direction and reference."""

    model: str
    encoder: str


class NeuronRow(neurons.NeuronRow):
    """One latent of one tower for one region."""

    model: str
    encoder: str


class StrengthRow(strength.Point):
    """One lambda of one edit of one model."""

    model: str
    edit: str


def save_layers(path: Path, rows: Iterable[LayerRow]) -> None:
    """Every layer, in the given order."""
    save_csv(path, LAYER_COLUMNS, rows)


def save_neurons(path: Path, rows: Iterable[NeuronRow]) -> None:
    """The best latents of each region and SAE seed, by rank."""
    best = (row for row in rows if row["rank"] < LAST_RANK)
    ordered = sorted(best, key=lambda r: (r["model"], r["encoder"], r["region"], r["sae_seed"], r["rank"]))
    save_csv(path, NEURON_COLUMNS, ordered)


def save_strength(path: Path, rows: Iterable[StrengthRow]) -> None:
    """Every lambda, in the given order."""
    save_csv(path, STRENGTH_COLUMNS, rows)
