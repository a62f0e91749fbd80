"""Captions with the spans of modifier and noun, for every annotated picture; missing ones wait."""

import pyarrow as pa

from culturebench.artifacts._caption import CAPTION
from culturebench.artifacts._table import Table, required

STAGE = "caption"
DIRECTORY = "data/captioned"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),
            required("region", pa.string()),
            required("language", pa.string()),
            required("status", pa.string()),  # kept | waiting | dropped
            required("reason", pa.string()),
            required("provider", pa.string()),
            pa.field("cultural", CAPTION),
            pa.field("noun", CAPTION),
            pa.field("neutral", CAPTION),  # the noun with a culture-free modifier
            pa.field("cultural_en", CAPTION),
            pa.field("noun_en", CAPTION),
        ]
    ),
)
