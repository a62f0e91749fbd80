"""Questions about pictures with their options, in two parts that share no picture, and what was left out.

Never part of a release: questions and pictures keep the licences under which others published them.
"""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "make_questions"
DIRECTORY = "data/questions"
#: Folders of `QUESTIONS` and `PICTURES_FILE`.
DETECT = DIRECTORY + "/{questions}/detect"
TEST = DIRECTORY + "/{questions}/test"
QUESTIONS, PICTURES_FILE = "questions.parquet", "pictures.parquet"
DROPPED = DIRECTORY + "/{questions}/dropped.parquet"


class QuestionRow(TypedDict):
    """One question; `right` is a place in both lists of options."""

    question_id: str
    picture_id: str
    culture: str
    category: str
    neutral: bool
    language: str
    text: str
    english: str
    options: list[str]
    options_english: list[str]
    right: int
    licence: str


class PictureRow(TypedDict):
    """A picture, once, however many questions are asked about it."""

    picture_id: str
    image: bytes


class DroppedRow(TypedDict):
    """A row of the source that became no question."""

    row: int
    question_id: str
    reason: str
    told: str


_TEXTS = pa.list_(pa.string())
TABLE = Table(
    row=QuestionRow,
    stage=STAGE,
    key=("picture_id", "question_id"),
    schema=pa.schema(
        [
            required("question_id", pa.string()),
            required("picture_id", pa.string()),  # sha256 of the picture's bytes
            required("culture", pa.string()),  # a region's code, or a country
            required("category", pa.string()),
            required("neutral", pa.bool_()),  # asks for nothing of a culture
            required("language", pa.string()),  # of text and options
            required("text", pa.string()),
            required("english", pa.string()),
            required("options", _TEXTS),  # in the order shown
            required("options_english", _TEXTS),
            required("right", pa.int32()),
            required("licence", pa.string()),
        ]
    ),
)
PICTURES = Table(
    row=PictureRow,
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema([required("picture_id", pa.string()), required("image", pa.binary())]),
)
DROPPED_TABLE = Table(
    row=DroppedRow,
    stage=STAGE,
    key=("row",),
    schema=pa.schema(
        [
            required("row", pa.int64()),  # in the source, from 0
            required("question_id", pa.string()),
            required("reason", pa.string()),
            required("told", pa.string()),  # the value that was refused
        ]
    ),
)
