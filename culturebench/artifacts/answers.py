"""One judge's answers to CultureVQA on one model's pictures under one condition, a file for each set of prompts."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "judge"
DIRECTORY = "data/answers"
FOLDER = DIRECTORY + "/{judge}/{model}/{condition}"
PATH = FOLDER + "/{prompts}.parquet"
#: On real test pictures; where several are shown, `answer` is the region of the one chosen and `options` are their ids.
REAL_PATH = "data/reliability/{judge}.parquet"
UNRECOGNIZABLE = "unrecognizable"
ANGLO = "anglo"  # the option that is no region of the benchmark, where params name one
UNPARSEABLE = "unparseable"  # a reply that is none of the options


class AnswerRow(TypedDict):
    """One answer."""

    prompt_id: str
    region: str
    condition: str
    seed: int
    answer: str
    object: str
    raw: str
    served_model: str
    options: list[str]


TABLE = Table(
    row=AnswerRow,
    stage=STAGE,
    key=("prompt_id", "seed"),
    schema=pa.schema(
        [
            required("prompt_id", pa.string()),
            required("region", pa.string()),
            required("condition", pa.string()),
            required("seed", pa.int64()),
            required("answer", pa.string()),  # a region code, unrecognizable, anglo, or unparseable
            required("object", pa.string()),  # what it takes the object for; "" when the judge is not asked
            required("raw", pa.string()),  # the reply as it came
            required("served_model", pa.string()),
            required("options", pa.list_(pa.string())),  # in the order shown
        ]
    ),
)
