"""Cultural attention of every pair at every layer, and the layer that it marks."""

from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa

from culturebench.artifacts._json import JsonFile, as_object, load_json, save_json
from culturebench.artifacts._table import ArtifactError, Table, required

STAGE = "probe_layers"
DIRECTORY = "data/probe"
PATH = DIRECTORY + "/{encoder}/attention.parquet"
LAYER_PATH = DIRECTORY + "/{encoder}/layer.json"
BOUND = "models/bound/{model}/{encoder}/layer.json"  # bind_encoder's copy
LAYERS = "models/layers/{model}"  # its copies of the layers alone, <tower>.json: an enhancer needs no neurons


class ProbeRow(TypedDict):
    """One pair at one layer, under one reference and direction."""

    picture_id: str
    region: str
    layer: int
    reference: str
    direction: str
    cultural: float
    noun: float


TABLE = Table(
    row=ProbeRow,
    stage=STAGE,
    key=("reference", "direction", "picture_id", "layer"),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("layer", pa.int32()),  # 0-based
            required("reference", pa.string()),  # zero | context | neutral_modifier
            required("direction", pa.string()),
            required("cultural", pa.float64()),  # CA(P_cult, l)
            required("noun", pa.float64()),  # CA(P_noun, l) under the reference
        ]
    ),
)


class Point(TypedDict):
    """One layer of one curve.

    `excess` over its neighbours, and the p values against sign flips of the modifiers and against placebo modifiers,
    are null where there is none. Only the reference that decides is held to placebos.
    """

    reference: str
    direction: str
    layer: int
    delta: float
    low: float
    high: float
    excess: float | None
    p_flips: float | None
    p_placebos: float | None
    candidate: bool
    marked: bool


class BandPoint(TypedDict):
    """Delta CA against the neutral modifier at one layer, and its range."""

    direction: str
    layer: int
    delta: float
    low: float
    high: float


class Placebos(TypedDict):
    """The placebo modifiers: how many words of how many regions count, mean lengths in tokens, what was left out."""

    words: int
    regions: int
    tokens: dict[str, float]
    left_out: dict[str, int]
    band: list[BandPoint]


class Reinitialised(TypedDict):
    """The copies with weights drawn anew; without copies there is no band."""

    copies: int
    parameters: int  # of the encoder
    band: list[BandPoint]


class Layer(TypedDict):
    """The verdict.

    `layer` is 0-based; `significant` is false where params chose it since nothing was marked; `pairs` and `dropped`
    count the picture pairs, `modifiers` the different cultural ones. `said` says what marked it, or why nothing did,
    and `disagreement` which references mark other layers; empty when none does.
    """

    layer: int
    layers: int
    last_upstream_layer: int
    significant: bool
    direction: str
    reference: str
    attention_unit: str
    pairs: int
    modifiers: int
    dropped: dict[str, int]
    curves: list[Point]
    placebos: Placebos
    reinitialised: Reinitialised
    rule: str
    said: str
    disagreement: str


LAYER_KEYS = frozenset(Layer.__annotations__)


def _whole(content: Any) -> bool:
    return content.keys() == LAYER_KEYS


FILE: JsonFile[Layer] = JsonFile(STAGE, f"exactly the keys {', '.join(sorted(LAYER_KEYS))}", _whole)
save_layer = FILE.save


def save_closed(path: Path, reason: str) -> None:
    """Write why there is no layer."""
    save_json(path, {"closed": reason})


def closed(path: Path) -> str:
    """What `save_closed` wrote; "" for a file with a layer."""
    return as_object(load_json(path, STAGE)).get("closed", "")


def load_layer(path: Path) -> Layer:
    """What `save_layer` wrote; `ArtifactError` when the file is missing, damaged, or says why there is no layer."""
    if reason := closed(path):
        raise ArtifactError(f"{path} holds no layer: {reason}")
    return FILE.load(path)
