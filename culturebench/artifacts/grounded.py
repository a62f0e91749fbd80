"""Captioned pictures after their cues were counted across all regions: what rests on a rare cue waits for an audit."""

from pathlib import Path
from typing import TypedDict

from culturebench.artifacts._captioned import SCHEMA, CaptionedRow as CaptionedRow
from culturebench.artifacts._json import save_json
from culturebench.artifacts._table import Table

STAGE = "ground"
DIRECTORY = "data/grounded"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(row=CaptionedRow, stage=STAGE, key=("picture_id",), schema=SCHEMA)
COUNTS = "reports/metrics/captions.json"


class Cues(TypedDict):
    """How many cues a region has, and how many of them are grounded."""

    grounded: int
    all: int


class Counts(TypedDict):
    """One region's tokens and cost, cues, audits by outcome, and waiting captions by reason."""

    cost: float
    input_tokens: int
    output_tokens: int
    served_models: list[str]
    cues: Cues
    audits: dict[str, int]
    waiting: dict[str, int]


def save_counts(path: Path, regions: dict[str, Counts]) -> None:
    """Write the counts of each region."""
    save_json(path, {"regions": regions})
