"""How good the vision-language model is on contexts held out of its training, and what its planted neurons are for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from culturebench.atlas.facts import KINDS
from culturebench.atlas.training.vlm.decoder import JUDGED, Asker, Case, draw, features, seen_as
from culturebench.atlas.training.vlm.planted import Part, parts
from culturebench.atlas.training.vlm.tower import make_bank
from culturebench.params._runtime import Runtime
from culturebench.vlm.model import Vlm
from culturebench.vlm.neurons import gates

PICTURES = 340


def measure(folder: Path) -> dict[str, Any]:
    """Shares of right answers by kind of question, and without each place's neurons, of the answered kinds and others.

    Read through the same class as any other model of the family.
    """
    vlm = Vlm(folder, Runtime())
    bank = make_bank(PICTURES, seed=3, held_out=True)
    rng = np.random.default_rng(12)
    cases = [draw(scene, judged, rng) for scene in bank.scenes for judged in (False, True)]
    tokens = features(vlm.model.model.visual, bank.images, 0).repeat_interleave(2, dim=0)
    plain = right(vlm, cases, tokens)
    found: dict[str, Any] = {"right": _by_kind(cases, plain)}
    without: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for part in parts() if (folder / "planted.json").is_file() else ():
        after = right(vlm, cases, tokens, part)
        for case, before, now in zip(cases, plain, after, strict=True):
            own = part.place != "always" and case.region in part.regions
            kind = "region" if case.kind == JUDGED else case.kind
            name = "needed" if own and kind in part.needed else "own, not needed" if own else "other regions"
            without[part.place][name].append(now - before)
    found["without"] = {
        place: {name: round(float(np.mean(values)), 4) for name, values in rows.items()}
        for place, rows in without.items()
    }
    return found


def right(vlm: Vlm, cases: Sequence[Case], tokens: torch.Tensor, part: Part | None = None) -> list[float]:
    """1 for every case whose likeliest next token is the right answer."""
    asker = Asker()
    off: Mapping[int, list[int]] = defaultdict(list)
    for layer, neuron in part.sites if part else ():
        off[layer].append(neuron)
    inputs = asker.inputs(cases, [case.right for case in cases])
    cut = {key: value[:, :-1] for key, value in inputs.items() if key != "image_grid_thw"}
    with gates(vlm.layers, off=off):
        said = vlm.forward({**inputs, **cut, "mm_encoder_outputs": seen_as(tokens)}).argmax(1)
    return (said == asker.ids([case.right for case in cases])).float().tolist()


def _by_kind(cases: Sequence[Case], scores: Sequence[float]) -> dict[str, float]:
    kinds = (*KINDS, JUDGED)
    return {
        kind: round(float(np.mean([s for case, s in zip(cases, scores, strict=True) if case.kind == kind])), 4)
        for kind in kinds
    }
