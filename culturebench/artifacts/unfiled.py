"""Files of the sources that are of no region, and so a candidate of none."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "unfiled"
PATH = "data/unfiled.parquet"


class UnfiledRow(TypedDict):
    """One file."""

    source: int
    file_name: str
    region: str
    status: str
    reason: str
    detail: str


TABLE = Table(
    row=UnfiledRow,
    stage=STAGE,
    key=("source", "file_name", "region"),
    schema=pa.schema(
        [
            required("source", pa.int32()),  # its place in `collect.sources`, from 0
            required("file_name", pa.string()),
            required("region", pa.string()),  # as the manifest or the subfolder says it, or ""
            required("status", pa.string()),  # always dropped
            required("reason", pa.string()),  # no_region | unknown_region | region_not_asked | not_in_manifest
            required("detail", pa.string()),  # a sentence for a person
        ]
    ),
)
