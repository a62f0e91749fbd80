"""The evaluation: one flat row a number, a short summary for `dvc metrics`, and the confusion counts."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from culturebench.artifacts._csv import save_csv
from culturebench.artifacts._json import load_json, save_json, save_rows
from culturebench.artifacts._table import ArtifactError

STAGE = "evaluate"
PATH = "reports/metrics/evaluation.json"
SUMMARY_PATH = "reports/metrics/summary.json"
CONFUSION_PATH = "reports/plots/confusion.csv"

#: The columns of a row: a value, or with `against` the paired difference from another condition.
COLUMNS = (
    "model",
    "encoder",
    "prompts",  # `test`, or the name of captions from outside of the benchmark
    "condition",
    "against",  # the condition that is taken off, on the same prompts and seeds; "" for a value
    "strength",  # lambda, null where none is used
    "judge",  # a judge, `pooled`, `a+b` for the agreement of two or more, or "" where no judge is asked
    "region",  # a code or `all`
    "measure",
    "value",  # a share 0..1, a difference of shares, or the measure's own unit; null when it was not run
    "low",
    "high",
    "p_value",  # of a difference over all regions, corrected for all comparisons of its measure; else null
    "n_prompts",
    "n_images",
    "seeds",
    "reason",  # why `value` is null, else ""
)
SORTED_BY = ("model", "prompts", "measure", "condition", "against", "judge", "region")

CONFUSION_COLUMNS: tuple[str, ...] = ("model", "condition", "judge", "truth", "answer", "count")

Row = dict[str, Any]


def save(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows sorted; `ArtifactError` for a row with other columns or a null without a reason."""
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in SORTED_BY))
    for row in ordered:
        _check(path, row)
    save_rows(path, ordered)


def load(path: Path) -> list[Row]:
    """The rows; `ArtifactError` when the file does not fit."""
    rows = load_json(path, STAGE)
    if not isinstance(rows, list):
        raise ArtifactError(f"{path} holds no list of rows; run `dvc repro -f {STAGE}`")
    for row in rows:
        _check(path, row, f"; run `dvc repro -f {STAGE}`")
    return rows


def save_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write the nested numbers that `dvc metrics show` and `dvc metrics diff` print."""
    save_json(path, summary)


def save_confusion(path: Path, rows: Iterable[Row]) -> None:
    """Write the counts of each true region and answer as CSV, sorted."""
    save_csv(path, CONFUSION_COLUMNS, sorted(rows, key=lambda row: tuple(row[name] for name in CONFUSION_COLUMNS)))


def load_confusion(path: Path) -> list[Row]:
    """The counts as rows; `ArtifactError` when the file is missing or has other columns."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != CONFUSION_COLUMNS:
                raise ArtifactError(f"{path} has other columns; run `dvc repro -f {STAGE}`")
            return [{**row, "count": int(row["count"])} for row in reader]
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; run `dvc repro {STAGE}`") from None
    except (ValueError, TypeError):
        raise ArtifactError(f"{path} holds a count that is no number; run `dvc repro -f {STAGE}`") from None


def _check(path: Path, row: Any, advice: str = "") -> None:
    if not isinstance(row, dict) or set(row) != set(COLUMNS):
        raise ArtifactError(f"{path}: a row needs exactly the columns {', '.join(COLUMNS)}; got {row!r}{advice}")
    if (row["value"] is None) != bool(row["reason"]):
        raise ArtifactError(f"{path}: a value is null exactly when a reason says why; got {row!r}{advice}")
