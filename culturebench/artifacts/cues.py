"""Every cue that captions rest on, with its support and lift in each region where it was seen."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "ground"
PATH = "data/cues.parquet"


class CueRow(TypedDict):
    """One cue in one region."""

    region: str
    cue: str
    support: int
    pictures: int
    elsewhere: int
    lift: float
    grounded: bool


TABLE = Table(
    row=CueRow,
    stage=STAGE,
    key=("region", "cue"),
    schema=pa.schema(
        [
            required("region", pa.string()),
            required("cue", pa.string()),
            required("support", pa.int32()),  # pictures of the region whose caption rests on it
            required("pictures", pa.int32()),  # pictures of the region whose caption has cues
            required("elsewhere", pa.int32()),  # pictures of other regions that show it
            required("lift", pa.float64()),  # its share in the region divided by its share in all regions
            required("grounded", pa.bool_()),  # support and lift reach the minimum
        ]
    ),
)
