"""Captioned pictures after their cues were counted across all regions: what rests on a rare cue waits for an audit."""

from pathlib import Path
from typing import TypedDict

from culturebench.artifacts._captioned import SCHEMA, CaptionedRow as CaptionedRow
from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import Table

STAGE = "ground"
DIRECTORY = "data/grounded"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(row=CaptionedRow, stage=STAGE, key=("picture_id",), schema=SCHEMA)
COUNTS = "reports/metrics/captions.json"


class Concentration(TypedDict):
    """How many cues a region has, and how much its captions rest on few of them.

    Of `pictures` with cues `top_pictures` show the most frequent one; `effective` is how many equally frequent cues
    would be as concentrated, null without any.
    """

    grounded: int
    all: int
    pictures: int
    top: str
    top_pictures: int
    effective: float | None


class Audited(TypedDict):
    """Captions that several people audited, how many of them all in the same way, and Krippendorff's alpha."""

    several: int
    alike: int
    alpha: float | None


class Counts(TypedDict):
    """One region's tokens and cost, cues, what a model wrote, audits by outcome, and waiting captions by reason."""

    cost: float
    input_tokens: int
    output_tokens: int
    served_models: list[str]
    cues: Concentration
    written: int
    audits: dict[str, int]
    auditors: Audited
    waiting: dict[str, int]


def save_counts(path: Path, regions: dict[str, Counts]) -> None:
    """Write the counts of each region."""
    save_json(path, {"regions": regions})


def load_counts(path: Path) -> dict[str, Counts]:
    """The counts of each region."""
    return load_json(path, STAGE)["regions"]
