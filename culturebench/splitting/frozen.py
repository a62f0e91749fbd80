"""Assignments that a release froze: `annotations/splits/<region>.csv` with the columns picture_id and split."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from culturebench.errors import CultureBenchError

COLUMNS = ["picture_id", "split"]


class FrozenError(CultureBenchError):
    """A line of a frozen assignment that cannot be used."""


def read_frozen(folder: Path, regions: Iterable[str], splits: Collection[str]) -> dict[str, str]:
    """Picture id to its split, over all regions; a region without a file has nothing frozen.

    Raises `FrozenError` with `file:line`.
    """
    frozen: dict[str, str] = {}
    for region in regions:
        path = folder / f"{region}.csv"
        if not path.exists():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            try:
                for cells in reader:
                    _take(f"{path}:{reader.line_num}", cells, reader.line_num == 1, frozen, splits)
            except (csv.Error, UnicodeDecodeError) as error:
                raise FrozenError(f"{path}:{reader.line_num}: {error}") from None
    return frozen


def _take(place: str, cells: list[str], first: bool, frozen: dict[str, str], splits: Collection[str]) -> None:
    if first or not cells:
        if first and cells != COLUMNS:
            raise FrozenError(f"{place}: the first line must be {','.join(COLUMNS)}, got {','.join(cells)}")
        return
    if len(cells) != len(COLUMNS):
        raise FrozenError(f"{place}: {len(cells)} cells instead of {len(COLUMNS)}")
    picture, side = cells
    if not re.fullmatch("[0-9a-f]{64}", picture):
        raise FrozenError(f"{place}: {picture!r} is no picture id (64 hex digits)")
    if side not in splits:
        raise FrozenError(f"{place}: unknown split {side!r}; valid: {', '.join(splits)}")
    if frozen.setdefault(picture, side) != side:
        raise FrozenError(f"{place}: {picture} is frozen as {frozen[picture]} already")
