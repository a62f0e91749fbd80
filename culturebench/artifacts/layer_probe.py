"""Cultural attention of every pair at every layer, and the layer that it marks."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError, Table, required

STAGE = "probe_layers"
DIRECTORY = "data/probe"
PATH = DIRECTORY + "/{encoder}/attention.parquet"
LAYER_PATH = DIRECTORY + "/{encoder}/layer.json"
BOUND = "models/bound/{model}/{encoder}/layer.json"  # bind_encoder's copy
LAYERS = "models/layers/{model}"  # its copies of the layers alone, <tower>.json: an enhancer needs no neurons
TABLE = Table(
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

#: `layer` is 0-based; `significant` is false where params chose it since nothing was marked; `pairs` and
#: `dropped` count the picture pairs; each curve point has reference, direction, layer, delta, low, high,
#: excess over its neighbours (null where it has none), candidate and marked.
LAYER_KEYS = frozenset({
    "layer", "layers", "last_upstream_layer", "significant", "direction", "reference", "attention_unit",
    "pairs", "dropped", "curves", "rule",
})  # fmt: skip


def save_layer(path: Path, layer: dict[str, Any]) -> None:
    """Write the verdict; `ArtifactError` when it has other keys."""
    save_json(path, _checked(path, layer))


def load_layer(path: Path) -> dict[str, Any]:
    """The verdict; `ArtifactError` when the file is missing, damaged or of another shape."""
    return _checked(path, load_json(path, STAGE))


def _checked(path: Path, layer: Any) -> dict[str, Any]:
    if not isinstance(layer, dict) or layer.keys() != LAYER_KEYS:
        raise ArtifactError(
            f"{path} needs exactly the keys {', '.join(sorted(LAYER_KEYS))}; run `dvc repro -f {STAGE}`"
        )
    return layer
