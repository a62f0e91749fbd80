"""The whole training: tower, decoder with planted neurons, weights and their quality."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from culturebench.atlas.training.vlm.decoder import train_decoder
from culturebench.atlas.training.vlm.model import new_model, save
from culturebench.atlas.training.vlm.quality import measure
from culturebench.atlas.training.vlm.tower import make_bank, train_tower

STEPS = {"tower": 1800, "decoder": 3500}
PICTURES = {"tower": 12000, "decoder": 8000}
QUALITY = "quality.json"


def train_vlm(work: Path, folder: Path, *, plant: bool = True, steps: int | None = None) -> None:
    """Train what `work` does not hold yet and write `folder`. Without `plant`: the null, on the questions alone."""
    torch.manual_seed(0)
    model = new_model()
    train_tower(model.model.visual, make_bank(PICTURES["tower"], seed=1), work, STEPS["tower"])
    model.requires_grad_(False)
    model.model.language_model.requires_grad_(True)
    bank = make_bank(PICTURES["decoder"], seed=1)
    train_decoder(model, bank, work, STEPS["decoder"] if steps is None else steps, plant=plant)
    save(model.eval(), folder, planted=plant)
    rows = measure(folder)
    (folder / QUALITY).write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1, sort_keys=True))
