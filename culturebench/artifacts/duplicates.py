"""Groups of near-duplicate pictures across all regions; one keeper each."""

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "deduplicate"
DIRECTORY = "data/duplicates"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("phash", pa.string()),  # 16 hex digits
            required("group", pa.string()),  # the smallest picture id of the group
            required("status", pa.string()),  # kept | dropped
            required("reason", pa.string()),  # duplicate, "" when kept
            required("keeper", pa.string()),  # the picture id that stays for the group
        ]
    ),
)
