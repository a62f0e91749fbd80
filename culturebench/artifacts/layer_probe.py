"""Cultural attention of every pair at every layer, and the layer that it marks."""

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "probe_layers"
DIRECTORY = "data/probe"
PATH = DIRECTORY + "/{encoder}/attention.parquet"
LAYER_PATH = DIRECTORY + "/{encoder}/layer.json"
TABLE = Table(
    stage=STAGE,
    key=("reference", "direction", "picture_id", "layer"),
    schema=pa.schema([
        required("picture_id", pa.string()),
        required("region", pa.string()),
        required("layer", pa.int32()),  # 0-based
        required("reference", pa.string()),  # zero | context | neutral_modifier
        required("direction", pa.string()),
        required("cultural", pa.float64()),  # CA(P_cult, l)
        required("noun", pa.float64()),  # CA(P_noun, l) under the reference
    ]),
)
