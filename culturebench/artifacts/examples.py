"""One picture of each region with its captions, for readers: the first of the train side, so that nobody picks."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._caption import CAPTION, CaptionRow
from culturebench.artifacts._table import Table, required

PATH = "data/examples.parquet"


class ExampleRow(TypedDict):
    """One picture with its captions and with whom to name beside it."""

    picture_id: str
    region: str
    provisional: bool
    cultural: CaptionRow
    noun: CaptionRow
    cultural_en: CaptionRow | None
    noun_en: CaptionRow | None
    author: str
    licence: str
    page_url: str
    image: bytes


TABLE = Table(
    row=ExampleRow,
    stage="split",
    key=("region",),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("provisional", pa.bool_()),
            pa.field("cultural", CAPTION, nullable=False),
            pa.field("noun", CAPTION, nullable=False),
            pa.field("cultural_en", CAPTION),
            pa.field("noun_en", CAPTION),
            required("author", pa.string()),
            required("licence", pa.string()),
            required("page_url", pa.string()),
            required("image", pa.binary()),  # as it was collected
        ]
    ),
)
