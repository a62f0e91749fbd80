"""The three splits, one file per region each: a dependency says who may read what; and who got no side."""

import pyarrow as pa

from culturebench.artifacts._caption import CAPTION
from culturebench.artifacts._table import Table, required

STAGE = "split"
SPLITS = ("detect", "train", "test")
DIRECTORIES = {split: f"data/{split}" for split in SPLITS}
DETECT, TRAIN, TEST = (DIRECTORIES[split] for split in SPLITS)
COUNTS = "reports/metrics/data.json"
UNSPLIT = "data/unsplit.parquet"
_PICTURE = (required("picture_id", pa.string()), required("region", pa.string()))
TABLE = Table(
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            *_PICTURE,
            required("language", pa.string()),
            required("subdivision", pa.string()),
            required("group", pa.string()),
            required("provisional", pa.bool_()),
            pa.field("cultural", CAPTION, nullable=False),
            pa.field("noun", CAPTION, nullable=False),
            pa.field("neutral", CAPTION),
            pa.field("cultural_en", CAPTION),
            pa.field("noun_en", CAPTION),
            required("licence", pa.string()),
            required("metadata", pa.string()),  # as in candidates
            required("image", pa.binary()),
        ]
    ),
)
#: Captioned pictures without a side: the status is always `dropped`, the reason is `bridges_splits`.
UNSPLIT_TABLE = Table(
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema([*_PICTURE, required("status", pa.string()), required("reason", pa.string())]),
)
