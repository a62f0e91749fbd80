"""Measures of the pictures of one model and condition, long form; what was not run is null with a reason."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "measure"
DIRECTORY = "data/measured"
PATH = DIRECTORY + "/{model}/{condition}.parquet"


class MeasuredRow(TypedDict):
    """One picture, or one prompt, under one measure."""

    measure: str
    prompt_id: str
    region: str
    seed: int
    value: float | None
    reason: str


TABLE = Table(
    row=MeasuredRow,
    stage=STAGE,
    key=("measure", "prompt_id", "seed"),
    schema=pa.schema(
        [
            required("measure", pa.string()),
            required("prompt_id", pa.string()),
            required("region", pa.string()),
            required("seed", pa.int64()),  # -1 for a measure of all of a prompt's pictures
            pa.field("value", pa.float64()),
            required("reason", pa.string()),
        ]
    ),
)
