"""Every picture that collection came across, with its bytes, origin and licence; failures are rows too."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._caption import GIVEN, GivenCaptions
from culturebench.artifacts._scene import SCENE, SceneRow
from culturebench.artifacts._table import Table, required

STAGE = "collect"
DIRECTORY = "data/candidates"
PATH = DIRECTORY + "/{region}.parquet"


class ReleasedRow(TypedDict):
    """What a release says of its picture: how experts agreed, and where it was put."""

    agreement: float
    decisions: int
    subdivision: str
    group: str
    split: str


RELEASED = pa.struct(
    [
        required("agreement", pa.float64()),
        required("decisions", pa.int32()),
        *(required(name, pa.string()) for name in ("subdivision", "group", "split")),
    ]
)


class CandidateRow(TypedDict):
    """One file that a source named."""

    picture_id: str
    region: str
    source: str
    query: str
    page_url: str
    file_url: str
    file_name: str
    author: str
    licence: str
    licence_text: str
    sha256: str
    size_bytes: int
    status: str
    error: str
    category: str
    subdivision: str
    query_language: str
    found_in: str
    captions: GivenCaptions | None
    scene: SceneRow | None
    released: ReleasedRow | None
    planted: str
    image: bytes | None


TABLE = Table(
    row=CandidateRow,
    stage=STAGE,
    key=("picture_id", "file_name"),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),  # sha256 of the bytes; of the scene for an atlas picture
            required("region", pa.string()),
            required("source", pa.string()),  # the kind of source: atlas, folder, commons, ...
            required("query", pa.string()),
            required("page_url", pa.string()),
            required("file_url", pa.string()),
            required("file_name", pa.string()),
            required("author", pa.string()),
            required("licence", pa.string()),  # SPDX-like id, "unknown" when it cannot be told
            required("licence_text", pa.string()),  # as the source wrote it
            required("sha256", pa.string()),
            required("size_bytes", pa.int64()),
            required("status", pa.string()),  # ok | failed
            required("error", pa.string()),
            required("category", pa.string()),  # of the keyword or class that found it; "" where none did
            required("subdivision", pa.string()),  # that the keyword stands for, or ""
            required("query_language", pa.string()),  # of the keyword, or ""
            required("found_in", pa.string()),  # Commons category, Wikidata item, article or collection, or ""
            pa.field("captions", GIVEN),  # those of a manifest or a release
            pa.field("scene", SCENE),  # what an atlas picture shows
            pa.field("released", RELEASED),  # of a picture from a release
            required("planted", pa.string()),  # the defect that an atlas picture has on purpose, or ""
            pa.field("image", pa.binary()),  # the retrieved bytes, null when status is failed
        ]
    ),
)
