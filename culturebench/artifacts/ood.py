"""Captions from outside of the benchmark, one file per set."""

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "load_ood"
PATH = "data/ood/{prompts}.parquet"
TABLE = Table(
    stage=STAGE,
    key=("region", "prompt_id"),
    schema=pa.schema(
        [
            required("prompt_id", pa.string()),  # sha256 of region and prompt
            required("region", pa.string()),
            required("language", pa.string()),  # of the prompt
            required("prompt", pa.string()),
            required("name", pa.string()),  # what it speaks of; "" where the file does not say
            required("domain", pa.string()),  # such as cuisine; ""
        ]
    ),
)
