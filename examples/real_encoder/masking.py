"""How far masking takes the encoder's output from the cultural prompt to the noun: a region's neurons, and controls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from culturebench.artifacts import neurons as neuron_table, pins, sae as sae_files, splits
from culturebench.code import code_hash
from culturebench.conditions import CONDITIONS
from culturebench.conditions.catalogue import MASK
from culturebench.interventions.controls import NoControlError
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.neurons import NeuronsError, NeuronTable
from culturebench.interventions.way import SITES, read, read_edited, shares_of_way
from culturebench.params.encoders import Encoder
from culturebench.pins import fingerprint, pin_path, sha256_of
from culturebench.probing import sae as saes
from culturebench.probing.pairs import Pair, pairs_of
from culturebench.progress import progress
from culturebench.stage import store_url
from culturebench.store import Store, key_of
from culturebench.text_to_image.base import Edit, TextEncoder

#: The mask of the region's own neurons, and its controls.
MASKED = tuple(one for one in CONDITIONS if one.edit == MASK)
OWN = MASK.home
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


def load(project: Path, encoder: str) -> CultureNeurons:
    """What the stages of a project found at one layer."""
    folder = project / sae_files.PATH.format(encoder=encoder)
    return CultureNeurons(
        layer=sae_files.load_metrics(folder)["layer"],
        table=NeuronTable(neuron_table.TABLE.load(project / neuron_table.PATH.format(encoder=encoder))),
        folders={seed: sae_files.seed_folder(folder, seed) for seed in sae_files.seeds(folder)},
    )


def measure(project: Path, source: Encoder, encoder: str, model: TextEncoder, found: CultureNeurons) -> list[Share]:
    """Every mask of every test prompt; a region's rows are kept in the store, so that a stopped run goes on."""
    store = Store(store_url())
    same = {
        "weights": fingerprint(project / pin_path(Path(pins.DIRECTORY), source.pin)),
        "code": code_hash("interventions/way.py", "interventions/culture_edits.py", reached=True),
        "own code": sha256_of(Path(__file__)),
        "layer": found.layer,
        "saes": [sha256_of(folder / saes.WEIGHTS_FILE) for folder in found.folders.values()],
        "scores": sha256_of(project / neuron_table.PATH.format(encoder=encoder)),
    }
    rows: list[Share] = []
    regions = found.table.regions
    for region in progress(regions, len(regions), f"masking at index {found.layer}"):
        pairs, _ = pairs_of(splits.TABLE.load_all(project / splits.TEST, [region]))
        key = key_of({**same, "region": region, "texts": [pair.cultural.text for pair in pairs]})
        kept = store.get(key)
        if kept is None:
            kept = json.dumps([row for pair in pairs for row in _of_pair(model, pair, found)]).encode()
            store.put(key, kept)
        rows += json.loads(kept)
    return rows


def _of_pair(model: TextEncoder, pair: Pair, found: CultureNeurons) -> Iterator[Share]:
    start = read(model, pair.cultural)
    assert pair.neutral is not None, "every pair is written with one"
    goals = {"noun": read(model, pair.noun), "neutral": read(model, pair.neutral)}
    for draw in range(len(found.folders)):
        edits = masks(found, pair, draw)
        if not edits:
            continue
        places = [(name, at) for name in edits for at in (SITES if name == OWN else ("all",))]
        moved = read_edited(model, pair.cultural, found.layer, [(edits[name], at) for name, at in places])
        for (name, at), there in zip(places, moved, strict=True):
            for goal, reached in goals.items():
                for site, share in shares_of_way(start, reached, there).items():
                    yield {"edit": name, "region": pair.region, "prompt": pair.picture_id, "draw": draw,
                           "at": at, "read": site, "goal": goal, "share": share}  # fmt: skip


def masks(found: CultureNeurons, pair: Pair, draw: int) -> dict[str, Edit]:
    """Condition -> its edit of one prompt; without the controls that cannot be drawn for its region.

    None where the region has no neurons in the autoencoder of this draw.
    """
    edits: dict[str, Edit] = {}
    for record in MASKED:
        try:
            done = found.intervention(record, 0.0, pair.region, draw, pair.picture_id)
        except (NoControlError, NeuronsError):
            continue
        assert done is not None, "a mask has no strength that could be 0"
        edits[record.name] = done.edit
    return edits if OWN in edits else {}
