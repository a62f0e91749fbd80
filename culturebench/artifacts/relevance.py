"""How well each screened picture fits what was looked for, and whether it stays."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "relevance"
DIRECTORY = "data/relevance"
PATH = DIRECTORY + "/{region}.parquet"


class RelevanceRow(TypedDict):
    """One picture that screening kept."""

    picture_id: str
    region: str
    similarity: float | None
    status: str
    reason: str
    borderline: bool


TABLE = Table(
    row=RelevanceRow,
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            # the largest cosine to its query or a culture-style modifier; null where the encoder knows no such pictures
            pa.field("similarity", pa.float64()),
            required("status", pa.string()),  # kept | dropped
            required("reason", pa.string()),  # irrelevant, "" when kept
            required("borderline", pa.bool_()),  # nearly dropped: experts are told
        ]
    ),
)
