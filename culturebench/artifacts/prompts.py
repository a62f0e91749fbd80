"""One set of prompts: those of the test split that are drawn, or captions from outside of the benchmark."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._caption import CAPTION, CaptionRow
from culturebench.artifacts._table import Table, required

STAGE = "load_prompts"
DIRECTORY = "data/prompts"
PATH = DIRECTORY + "/{prompts}.parquet"
TEST_PATH = DIRECTORY + "/test.parquet"


class PromptRow(TypedDict):
    """One prompt."""

    prompt_id: str
    region: str
    subdivision: str
    object: str
    name: str
    domain: str
    noun: CaptionRow | None
    noun_en: CaptionRow | None
    cultural: CaptionRow | None
    prompted: CaptionRow | None
    prompted_en: CaptionRow | None


TABLE = Table(
    row=PromptRow,
    stage=STAGE,
    key=("region", "prompt_id"),
    schema=pa.schema(
        [
            required("prompt_id", pa.string()),  # picture id of the test row; from outside sha256 of region and prompt
            required("region", pa.string()),
            required("subdivision", pa.string()),
            required("object", pa.string()),  # what the test row's picture truly shows; "" where nobody knows
            required("name", pa.string()),  # from outside: what the caption speaks of; ""
            required("domain", pa.string()),  # from outside: such as cuisine; ""
            pa.field("noun", CAPTION),
            pa.field("noun_en", CAPTION),
            pa.field("cultural", CAPTION),  # a condition whose caption is missing has no picture of this prompt
            pa.field("prompted", CAPTION),  # the noun with a modifier of the region's file
            pa.field("prompted_en", CAPTION),
        ]
    ),
)
