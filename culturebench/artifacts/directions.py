"""How far cultural prompts lie from noun prompts at a few layers, by region or by subdivision."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "select_neurons"
PATH = "models/directions/{encoder}.parquet"
DIRECTORY = "models/directions"
BOUND = "models/bound/{model}/{encoder}/directions.parquet"  # bind_encoder's copy


class DirectionRow(TypedDict):
    """One mean difference."""

    layer: int
    region: str
    subdivision: str
    caption: str
    n_prompts: int
    vector: list[float]


TABLE = Table(
    row=DirectionRow,
    stage=STAGE,
    key=("layer", "region", "subdivision", "caption"),
    schema=pa.schema(
        [
            required("layer", pa.int32()),  # 0-based
            required("region", pa.string()),
            required("subdivision", pa.string()),  # "" is the whole region
            required("caption", pa.string()),  # noun | noun_en: what the cultural prompts are compared with
            required("n_prompts", pa.int64()),
            pa.field("vector", pa.list_(pa.float64()), nullable=False),  # (d,), mean of cultural minus noun
        ]
    ),
)
