"""The assignments that a release makes final: `annotations/splits/<region>.csv`."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from culturebench.splitting.frozen import COLUMNS


def freeze(path: Path, placed: Mapping[str, str]) -> int:
    """Add picture id -> split to the file, sorted, and return how many are new; what was frozen stays as it was."""
    frozen: dict[str, str] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            frozen = {row["picture_id"]: row["split"] for row in csv.DictReader(file)}
    merged = {**placed, **frozen}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(merged.items()))
    temporary.replace(path)
    return len(merged) - len(frozen)
