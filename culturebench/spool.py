"""Bytes that wait on disk until it is their turn to be written."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from pathlib import Path
from types import TracebackType


class Spool:
    """Key -> bytes, or None, in a file without a name that is gone when the block ends or the process does."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `__exit__`
        self._places: dict[Hashable, tuple[int, int]] = {}  # start and length
        self._end = 0

    def put(self, key: Hashable, data: bytes | None) -> None:
        """Keep them."""
        if data is not None:
            self._file.seek(self._end)
            self._file.write(data)
            self._places[key] = self._end, len(data)
            self._end += len(data)

    def get(self, key: Hashable) -> bytes | None:
        """What was put, None where that was None or nothing."""
        if key not in self._places:
            return None
        start, length = self._places[key]
        self._file.seek(start)
        return self._file.read(length)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
