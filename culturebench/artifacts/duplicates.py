"""Groups of near-duplicate pictures across all regions; one keeper for each region that found one."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "deduplicate"
DIRECTORY = "data/duplicates"
PATH = DIRECTORY + "/{region}.parquet"


class DuplicateRow(TypedDict):
    """One screened picture and its group."""

    picture_id: str
    region: str
    phash: str
    group: str
    status: str
    reason: str
    keeper: str


TABLE = Table(
    row=DuplicateRow,
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("phash", pa.string()),  # 16 hex digits
            required("group", pa.string()),  # the smallest picture id of the group, over all regions
            required("status", pa.string()),  # kept | dropped
            required("reason", pa.string()),  # duplicate, "" when kept
            required("keeper", pa.string()),  # the picture id that stays for the group in this region
        ]
    ),
)
