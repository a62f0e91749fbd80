"""How far masking takes the encoder's output from the cultural prompt to the noun: a region's neurons, and controls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from culturebench.artifacts import neurons as neuron_table, pins, sae as sae_files, splits
from culturebench.code import code_hash
from culturebench.interventions.edits import mask, norm_matched
from culturebench.interventions.neurons import culture_neurons, random_neurons
from culturebench.interventions.way import SITES, read, read_edited, shares_of_way
from culturebench.params.encoders import Encoder
from culturebench.pins import fingerprint, pin_path, sha256_of
from culturebench.probing import sae as saes
from culturebench.probing.pairs import Pair, pairs_of
from culturebench.probing.sae import TopKSAE
from culturebench.progress import progress
from culturebench.stage import store_url
from culturebench.store import Store, key_of
from culturebench.text_to_image.base import Edit, TextEncoder

#: Control -> what it answers.
CONTROLS = {
    "own": "the region's own neurons",
    "random": "as many random latents that fire about as often",
    "other region": "another region's neurons",
    "other region, same norm": "another region's neurons, as large an edit as the own neurons'",
    "same norm": "a Gaussian direction, as large an edit as the own neurons'",
}
GOALS = ("noun", "neutral")


class Share(TypedDict):
    """One prompt under one edit: the share of the way to one goal, read at one site, edited at another."""

    edit: str
    region: str
    prompt: str
    draw: int
    at: str
    read: str
    goal: str
    share: float


@dataclass(frozen=True)
class Found:
    """What the stages found at one layer."""

    layer: int
    table: Sequence[neuron_table.NeuronRow]
    folders: Mapping[int, Path]  # autoencoder's seed -> folder

    @classmethod
    def load(cls, project: Path, encoder: str) -> Found:
        """From the files of a project whose stages are done."""
        folder = project / sae_files.PATH.format(encoder=encoder)
        return cls(
            layer=sae_files.load_metrics(folder)["layer"],
            table=neuron_table.TABLE.load(project / neuron_table.PATH.format(encoder=encoder)),
            folders={seed: sae_files.seed_folder(folder, seed) for seed in sae_files.seeds(folder)},
        )


def measure(project: Path, source: Encoder, model: TextEncoder, found: Found, regions: Sequence[str]) -> list[Share]:
    """Every edit of every test prompt; a region's rows are kept in the store, so that a stopped run goes on."""
    store = Store(store_url())
    same = {
        "weights": fingerprint(project / pin_path(Path(pins.DIRECTORY), source.pin)),
        "code": code_hash("interventions/way.py", "interventions/neurons.py", "interventions/edits.py", reached=True),
        "own code": sha256_of(Path(__file__)),
        "layer": found.layer,
        "saes": [sha256_of(folder / saes.WEIGHTS_FILE) for folder in found.folders.values()],
    }
    loaded = {seed: saes.load(folder) for seed, folder in found.folders.items()}
    rows: list[Share] = []
    for region in progress(regions, len(regions), f"masking at index {found.layer}"):
        pairs, _ = pairs_of(splits.TABLE.load_all(project / splits.TEST, [region]))
        chosen = [row for row in found.table if row["selected"]]
        key = key_of({**same, "region": region, "texts": [p.cultural.text for p in pairs], "neurons": chosen})
        kept = store.get(key)
        if kept is None:
            of_region = [row for pair in pairs for row in _of_pair(model, pair, found, loaded, regions)]
            kept = json.dumps(of_region).encode()
            store.put(key, kept)
        rows += json.loads(kept)
    return rows


def _of_pair(
    model: TextEncoder, pair: Pair, found: Found, loaded: Mapping[int, TopKSAE], regions: Sequence[str]
) -> Iterator[Share]:
    start = read(model, pair.cultural)
    assert pair.neutral is not None, "every pair is written with one"
    goals = {"noun": read(model, pair.noun), "neutral": read(model, pair.neutral)}
    for draw, (seed, sae) in enumerate(loaded.items()):
        edits = _edits(pair, found, seed, sae, draw, regions)
        places = [(name, at) for name in edits for at in (SITES if name == "own" else ("all",))]
        moved = read_edited(model, pair.cultural, found.layer, [(edits[name], at) for name, at in places])
        for (name, at), there in zip(places, moved, strict=True):
            for goal, reached in goals.items():
                for site, share in shares_of_way(start, reached, there).items():
                    yield {"edit": name, "region": pair.region, "prompt": pair.picture_id, "draw": draw,
                           "at": at, "read": site, "goal": goal, "share": share}  # fmt: skip


def _edits(pair: Pair, found: Found, seed: int, sae: TopKSAE, draw: int, regions: Sequence[str]) -> dict[str, Edit]:
    """The mask of the region's neurons, and every control of it, drawn afresh for each prompt."""
    number = int(key_of({"prompt": pair.picture_id, "draw": draw})[:8], 16)
    rng = np.random.default_rng(number)
    others = [region for region in regions if region != pair.region]
    own = mask(sae, culture_neurons(found.table, pair.region, seed).indices)
    other = mask(sae, culture_neurons(found.table, others[int(rng.integers(len(others)))], seed).indices)
    direction = torch.from_numpy(rng.normal(size=sae.d).astype(np.float32))
    return {
        "own": own,
        "random": mask(sae, random_neurons(found.table, pair.region, seed, number).indices),
        "other region": other,
        "other region, same norm": norm_matched(other, own),
        "same norm": norm_matched(lambda features, _real: features + direction, own),
    }
