"""Generated pictures of one model under one condition, a file for each set of prompts."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

DIRECTORY = "data/pictures"
OF_MODEL = DIRECTORY + "/{model}"
FOLDER = OF_MODEL + "/{condition}"
PATH = FOLDER + "/{prompts}.parquet"
#: Of the test prompts, which alone have reference pictures.
TEST_PATH = FOLDER + "/test.parquet"


class PictureRow(TypedDict):
    """One generated picture."""

    prompt_id: str
    region: str
    language: str
    subdivision: str
    condition: str
    prompt: str
    seed: int
    draw: int
    strength: float
    object: str
    name: str
    domain: str
    image: bytes


TABLE = Table(
    row=PictureRow,
    stage="generate",
    key=("prompt_id", "seed"),
    schema=pa.schema(
        [
            required("prompt_id", pa.string()),  # as in prompts
            required("region", pa.string()),
            required("language", pa.string()),  # of the prompt
            required("subdivision", pa.string()),
            required("condition", pa.string()),
            required("prompt", pa.string()),
            required("seed", pa.int64()),  # of the initial noise
            required("draw", pa.int32()),  # SAE seed index, and seed of the random controls; 0 where neither is used
            required("strength", pa.float64()),  # lambda, 0 where none is used
            required("object", pa.string()),  # these three as in prompts
            required("name", pa.string()),
            required("domain", pa.string()),
            required("image", pa.binary()),  # PNG
        ]
    ),
)

#: The first test prompt in English with each region's neurons on; the region is "" where nothing is edited.
ONE_PROMPT_DIRECTORY = "data/one_prompt"
ONE_PROMPT_PATH = ONE_PROMPT_DIRECTORY + "/{model}.parquet"
ONE_PROMPT = replace(TABLE, stage="generate_one_prompt", key=("region", "prompt_id", "seed"))


def save_none(folder: Path, sets: Iterable[str]) -> None:
    """A condition without pictures: an empty file for each set of prompts."""
    for name in sets:
        TABLE.save(folder / f"{name}.parquet", [])
