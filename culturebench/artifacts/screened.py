"""What screening measured on every candidate, and whether it stays."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

#: The rules of the params section `screen`, and the reasons for which they drop.
RULES = ("resolution", "aspect", "uniform", "blur", "relevance", "safety")
STAGE = "screen"
DIRECTORY = "data/screened"
PATH = DIRECTORY + "/{region}.parquet"


class ScreenedRow(TypedDict):
    """One candidate."""

    picture_id: str
    region: str
    file_name: str
    status: str
    reason: str
    width: int
    height: int
    borderline: list[str]
    detail: str
    resolution: float | None
    aspect: float | None
    uniform: float | None
    blur: float | None
    relevance: float | None
    safety: float | None


TABLE = Table(
    row=ScreenedRow,
    stage=STAGE,
    key=("picture_id", "file_name"),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("file_name", pa.string()),  # with picture_id the key of the candidate
            required("status", pa.string()),  # kept | dropped
            required("reason", pa.string()),  # the rule that dropped it, "" when kept
            required("width", pa.int32()),  # pixels, 0 when not decodable
            required("height", pa.int32()),
            required("borderline", pa.list_(pa.string())),  # rules that it nearly breaks: experts are told
            required("detail", pa.string()),  # a sentence for a person
            # What the rules measured, null where one was not asked; units in the params section.
            *(pa.field(rule, pa.float64()) for rule in RULES),
        ]
    ),
)
