"""The experts' verdict on every unique picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "annotate"
DIRECTORY = "data/annotated"
PATH = DIRECTORY + "/{region}.parquet"


class AnnotatedRow(TypedDict):
    """The verdict on one picture."""

    picture_id: str
    region: str
    status: str
    reason: str
    subdivision: str
    category: str
    agreement: float
    decisions: int
    provisional: bool


TABLE = Table(
    row=AnnotatedRow,
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("status", pa.string()),  # kept | dropped
            required("reason", pa.string()),  # the majority's reason, undecided, or ""
            required("subdivision", pa.string()),
            required("category", pa.string()),  # as most of those who keep it say, else of the search; "" where neither
            required("agreement", pa.float64()),  # share of the decisions that agree with the verdict, 0 without any
            required("decisions", pa.int32()),
            required("provisional", pa.bool_()),  # no majority, kept by `undecided: provisional`
        ]
    ),
)


def categories(folder: Path, regions: Sequence[str]) -> dict[str, str]:
    """Picture id -> what a kept picture shows; of a test prompt it is what its reference picture shows."""
    rows = TABLE.load_all(folder, regions, ("picture_id", "status", "category"))
    return {row["picture_id"]: row["category"] for row in rows if row["status"] == "kept"}
