"""Which files hold the bytes of a picture: as they are, in a Parquet table, or in base64 as in a page."""

from __future__ import annotations

import base64
import hashlib
import mmap
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_PARQUET = b"PAR1"


def files_with(sha256s: Collection[str], folders: Iterable[Path], skip: Collection[Path] = ()) -> list[Path]:
    """The files under `folders` with a picture of one of these sha256 (hex); nothing under `skip` is looked at.

    Tables are read first: they give the bytes that the other files are searched for. Links are not followed.
    """
    wanted = frozenset(sha256s)
    files = [path for folder in folders for path in _files(folder, skip)]
    contents: set[bytes] = set()
    found: list[Path] = []
    others: list[Path] = []
    for path in files:
        held = _in_table(path, wanted)
        if held is None:
            others.append(path)
        elif held:
            contents |= held
            found.append(path)
    needles = [needle for content in contents for needle in (content, base64.b64encode(content))]
    found += [path for path in others if _is_one(path, wanted) or _has_inside(path, needles)]
    return sorted(found)


def _in_table(path: Path, wanted: frozenset[str]) -> set[bytes] | None:
    """The wanted pictures in a table; None for a file that is no table, or a broken one."""
    with path.open("rb") as file:
        if file.read(len(_PARQUET)) != _PARQUET:
            return None
    try:
        return {cell for cell in _cells(path) if hashlib.sha256(cell).hexdigest() in wanted}
    except (pa.ArrowInvalid, OSError):
        return None


def _cells(path: Path) -> Iterator[bytes]:
    """Every binary value of a Parquet file, also of structs, one row group in memory at a time."""
    with pq.ParquetFile(path) as file:
        columns = [field.name for field in file.schema_arrow if _is_binary(field.type)]
        for number in range(file.num_row_groups if columns else 0):
            for column in file.read_row_group(number, columns=columns).columns:
                for value in column.to_pylist():
                    yield from _bytes_of(value)


def _is_binary(kind: Any) -> bool:
    if pa.types.is_struct(kind):
        return any(_is_binary(kind.field(index).type) for index in range(kind.num_fields))
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _bytes_of(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _bytes_of(part)


def _is_one(path: Path, wanted: frozenset[str]) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() in wanted


def _has_inside(path: Path, needles: Collection[bytes]) -> bool:
    if not needles or path.stat().st_size < min(map(len, needles)):
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(needle) >= 0 for needle in needles)


def _files(folder: Path, skip: Collection[Path]) -> Iterator[Path]:
    if not folder.is_dir() or folder in skip:
        return
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path in skip:
            continue
        if path.is_dir():
            yield from _files(path, skip)
        elif path.is_file():
            yield path
