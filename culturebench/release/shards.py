"""Parquet files in the layout that `datasets.load_dataset` reads, byte-identical for equal rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from culturebench.artifacts._caption import CAPTION
from culturebench.release.contents import Part, Row

MEGABYTE = 1_000_000
ROW_GROUP = 100  # rows that a reader decodes together
PATH = "data/{region}/{split}-{number:05d}-of-{count:05d}.parquet"
_TEXT = ("region", "country", "language", "subdivision", "category", "group", "captions_by")
_ORIGIN = ("source", "author", "licence", "licence_text", "page_url", "file_url", "sha256")
SCHEMA = pa.schema(
    [
        pa.field("picture_id", pa.string()),
        pa.field("image", pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])),
        *(pa.field(name, pa.string()) for name in _TEXT),
        *(pa.field(name, CAPTION) for name in ("cultural", "noun", "neutral", "cultural_en", "noun_en")),
        pa.field("agreement", pa.float64()),
        pa.field("decisions", pa.int32()),
        *(pa.field(name, pa.string()) for name in _ORIGIN),
    ]
)


@dataclass(frozen=True)
class Shard:
    """A file of the release: its path in the folder, rows, size in bytes and sha256 (hex)."""

    path: str
    rows: int
    size: int
    sha256: str


def write_shards(folder: Path, part: Part, country: str, limit: int) -> list[Shard]:
    """Write the pictures of one region and side to files of about `limit` bytes at most; none for an empty side."""
    chunks = list(_chunks(part.rows, limit))
    shards: list[Shard] = []
    for number, rows in enumerate(chunks):
        name = PATH.format(region=part.region, split=part.split, number=number, count=len(chunks))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist([_row(row, country) for row in rows], schema=SCHEMA.with_metadata(_metadata()))
        pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP)
        data = path.read_bytes()
        shards.append(Shard(name, len(rows), len(data), hashlib.sha256(data).hexdigest()))
    return shards


def _chunks(rows: Sequence[Row], limit: int) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    size = 0
    for row in rows:
        if chunk and size + len(row["image"]) > limit:
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += len(row["image"])
    if chunk:
        yield chunk


def _row(row: Row, country: str) -> dict[str, Any]:
    image = {"bytes": row["image"], "path": None}
    return {name: row.get(name) for name in SCHEMA.names} | {"image": image, "country": country}


def _metadata() -> dict[str, str]:
    """The column types in the words of `datasets`, which otherwise would take pictures for structs of bytes."""
    features = {field.name: _feature(field.type) for field in SCHEMA} | {"image": {"_type": "Image"}}
    return {"huggingface": json.dumps({"info": {"features": features}}, sort_keys=True)}


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        fields = (kind.field(index) for index in range(kind.num_fields))
        return {field.name: _feature(field.type) for field in fields}
    return {"_type": "Value", "dtype": {"double": "float64"}.get(str(kind), str(kind))}
