"""Parquet tables with a fixed schema, byte-identical for equal rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from culturebench.errors import CultureBenchError

R = TypeVar("R", bound=Mapping[str, Any])
#: A row group is written when it holds so many bytes of pictures, or so many rows.
MOST_BYTES, MOST_ROWS = 1 << 26, 1 << 17
STREAMED = 16  # rows read at a time
#: Folders of files that one stage copies, or writes, as another one does elsewhere -> that stage.
COPIED = {
    ("models", "systems"): "bind_pins",
    ("models", "judges"): "bind_judge",
    ("models", "measures"): "bind_measures",
    ("models", "features"): "bind_features",
    ("models", "bound"): "bind_encoder",
    ("data", "labels"): "caption",
}


class ArtifactError(CultureBenchError):
    """A file that is missing, damaged or of another shape, with the stage that makes it."""


def made_by(path: Path, stage: str) -> str:
    """The stage that makes the file: `stage`, or the one that copied its file to where it is read."""
    found = [COPIED[folders] for folders in pairwise(path.parts) if folders in COPIED]
    return found[-1] if found else stage


@dataclass(frozen=True)
class Table(Generic[R]):
    """A Parquet artifact of rows `row`, a TypedDict; rows are sorted by `key`.

    `schema` fixes columns, types and nullability; `tests/artifacts` holds `row` to it.
    """

    row: type[R]
    stage: str
    schema: pa.Schema
    key: tuple[str, ...]

    def load(self, path: Path, columns: Sequence[str] | None = None) -> list[R]:
        """The rows, only with `columns` when given; `ArtifactError` when the file does not fit."""
        with self._opened(path) as file:
            rows: list[Any] = file.read(columns=list(columns) if columns else None).to_pylist()
            return rows

    def stream(self, path: Path, columns: Sequence[str] | None = None) -> Iterator[R]:
        """As `load`, one row after the other, so that no more than a part of the pictures is held."""
        with self._opened(path) as file:
            for part in file.iter_batches(STREAMED, columns=list(columns) if columns else None):
                rows: list[Any] = part.to_pylist()
                yield from rows

    def columns(self, path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Each of these columns whole, (rows,); a long table takes a tenth of what its rows would."""
        with self._opened(path) as file:
            read = file.read(columns=list(names))
            return {name: read.column(name).to_numpy() for name in read.column_names}

    @contextmanager
    def _opened(self, path: Path) -> Generator[pq.ParquetFile]:
        try:
            self._check_schema(path, pq.read_schema(path))
            # pq.read_table would import pyarrow.dataset: 0.2 s a stage
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                yield file
        except FileNotFoundError:
            raise ArtifactError(f"{path} is missing; run `dvc repro {made_by(path, self.stage)}`") from None
        except (pa.ArrowInvalid, OSError) as error:
            reason = str(error).splitlines()[0]
            stage = made_by(path, self.stage)
            raise ArtifactError(f"{path} cannot be read ({reason}); run `dvc repro -f {stage}`") from None

    def load_all(self, folder: Path, names: Iterable[str], columns: Sequence[str] | None = None) -> list[R]:
        """The rows of `folder/<name>.parquet` for every name, in the given order."""
        return [row for name in names for row in self.load(folder / f"{name}.parquet", columns)]

    def save(self, path: Path, rows: Iterable[R], whole: Callable[[R], R] | None = None) -> None:
        """Write sorted rows through a temporary name; `ArtifactError` for a row that breaks the schema.

        `whole` adds to a row, when its turn comes, what is too large to be held for all.
        """
        ordered = sorted(rows, key=lambda row: tuple(row[name] for name in self.key))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with pq.ParquetWriter(temporary, self.schema, compression="zstd", write_page_checksum=True) as file:
                for part in _parts(map(whole, ordered) if whole else ordered):
                    file.write_table(self._arrow(path, part))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _arrow(self, path: Path, rows: Sequence[R]) -> pa.Table:
        try:
            table = pa.Table.from_pylist(rows, schema=self.schema)
            table.validate(full=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, KeyError) as error:
            raise ArtifactError(f"{path}: rows do not fit the schema of {self.stage}: {error}") from error
        self._check_nulls(path, table)
        return table

    def _check_schema(self, path: Path, found: pa.Schema) -> None:
        if not found.equals(self.schema, check_metadata=False):
            wrong = [f.name for f in self.schema if f.name not in found.names or not found.field(f.name).equals(f)]
            extra = [name for name in found.names if name not in self.schema.names]
            raise ArtifactError(
                f"{path} has another schema (differs in: {', '.join(wrong + extra)}); "
                f"run `dvc repro -f {made_by(path, self.stage)}`"
            )

    def _check_nulls(self, path: Path, table: pa.Table) -> None:
        for column in self.schema:
            if not column.nullable and table.column(column.name).null_count:
                raise ArtifactError(f"{path}: column {column.name} of {self.stage} may not be empty")


def _parts(rows: Iterable[R]) -> Iterator[list[R]]:
    """The rows in parts that fit into memory with their pictures; one part, an empty one, of no rows."""
    part: list[R] = []
    held, first = 0, True
    for row in rows:
        part.append(row)
        held += sum(len(value) for value in row.values() if isinstance(value, bytes))
        if held >= MOST_BYTES or len(part) == MOST_ROWS:
            yield part
            part, held, first = [], 0, False
    if part or first:
        yield part


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column that is never null."""
    return pa.field(name, kind, nullable=False)
