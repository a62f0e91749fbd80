"""Folders that hold one file per region."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Make the folder, and remove the Parquet files of regions that are no longer part of the run."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.parquet"):
        if path.stem not in names:
            path.unlink()
