"""One set of prompts: those of the test split that are drawn, or captions from outside of the benchmark."""

import pyarrow as pa

from culturebench.artifacts._caption import CAPTION
from culturebench.artifacts._table import Table, required

STAGE = "load_prompts"
PATH = "data/prompts/{prompts}.parquet"
TEST_PATH = "data/prompts/test.parquet"
TABLE = Table(
    stage=STAGE,
    key=("region", "prompt_id"),
    schema=pa.schema(
        [
            required("prompt_id", pa.string()),  # picture id of the test row; from outside sha256 of region and prompt
            required("region", pa.string()),
            required("subdivision", pa.string()),
            required("metadata", pa.string()),  # of the test row, or the name and domain that the file gives
            pa.field("noun", CAPTION),
            pa.field("noun_en", CAPTION),
            pa.field("cultural", CAPTION),  # a condition whose caption is missing has no picture of this prompt
        ]
    ),
)
