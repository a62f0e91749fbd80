"""The three splits, one file per region each: a dependency says who may read what; and who got no side."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._caption import CAPTION, CaptionRow
from culturebench.artifacts._scene import SCENE, SceneRow
from culturebench.artifacts._table import Table, required

STAGE = "split"
SPLITS = ("detect", "train", "test")
DIRECTORIES = {split: f"data/{split}" for split in SPLITS}
DETECT, TRAIN, TEST = (DIRECTORIES[split] for split in SPLITS)
COUNTS = "reports/metrics/data.json"
UNSPLIT = "data/unsplit.parquet"
_PICTURE = (required("picture_id", pa.string()), required("region", pa.string()))


class SplitRow(TypedDict):
    """One picture with its captions."""

    picture_id: str
    region: str
    language: str
    subdivision: str
    group: str
    provisional: bool
    cultural: CaptionRow
    noun: CaptionRow
    neutral: CaptionRow | None
    cultural_en: CaptionRow | None
    noun_en: CaptionRow | None
    licence: str
    scene: SceneRow | None
    image: bytes


TABLE = Table(
    row=SplitRow,
    stage=STAGE,
    key=("picture_id",),
    schema=pa.schema(
        [
            *_PICTURE,
            required("language", pa.string()),
            required("subdivision", pa.string()),
            required("group", pa.string()),
            required("provisional", pa.bool_()),
            pa.field("cultural", CAPTION, nullable=False),
            pa.field("noun", CAPTION, nullable=False),
            pa.field("neutral", CAPTION),
            pa.field("cultural_en", CAPTION),
            pa.field("noun_en", CAPTION),
            required("licence", pa.string()),
            pa.field("scene", SCENE),  # as in candidates
            required("image", pa.binary()),
        ]
    ),
)


class UnsplitRow(TypedDict):
    """One captioned picture without a side."""

    picture_id: str
    region: str
    status: str
    reason: str


#: Captioned pictures without a side: the status is always `dropped`, the reason `several_regions` or `bridges_splits`.
UNSPLIT_TABLE = Table(
    row=UnsplitRow,
    stage=STAGE,
    key=("picture_id", "region"),
    schema=pa.schema([*_PICTURE, required("status", pa.string()), required("reason", pa.string())]),
)
