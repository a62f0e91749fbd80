"""Captioned pictures that got no side, with the reason."""

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "split"
PATH = "data/unsplit.parquet"
TABLE = Table(
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("status", pa.string()),  # dropped
            required("reason", pa.string()),  # bridges_splits
        ]
    ),
)
