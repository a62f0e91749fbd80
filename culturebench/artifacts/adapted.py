"""Pictures made under one adapter and without it, and how large its change is at each strength."""

from __future__ import annotations

from dataclasses import replace

from culturebench.artifacts import pictures
from culturebench.artifacts._adapter_size import Size
from culturebench.artifacts._json import JsonFile

STAGE = "generate_adapted"
DIRECTORY = "data/adapted"
#: Rows of pictures: `condition` is the set of prompts, `strength` 0 without the adapter.
PATH = DIRECTORY + "/{model}/{adapter}.parquet"
SIZES = DIRECTORY + "/{model}/{adapter}.json"
TABLE = replace(pictures.TABLE, stage=STAGE, key=("condition", "strength", "prompt_id", "seed"))


FILE: JsonFile[list[Size]] = JsonFile(
    STAGE, "the size of each strength", lambda content: all({"strength", "size"} <= row.keys() for row in content)
)
save_sizes, load_sizes = FILE.save, FILE.load
