"""Captions with the spans of modifier and noun, for every annotated picture; missing ones wait."""

from culturebench.artifacts._captioned import SCHEMA
from culturebench.artifacts._table import Table

STAGE = "caption"
DIRECTORY = "data/captioned"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(stage=STAGE, key=("picture_id",), schema=SCHEMA)
