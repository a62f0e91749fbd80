"""Captions with the spans of modifier and noun, for every annotated picture; missing ones wait."""

from culturebench.artifacts._captioned import SCHEMA, CaptionedRow as CaptionedRow
from culturebench.artifacts._table import Table

STAGE = "caption"
DIRECTORY = "data/captioned"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(row=CaptionedRow, stage=STAGE, key=("picture_id",), schema=SCHEMA)
