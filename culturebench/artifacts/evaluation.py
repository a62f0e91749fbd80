"""The evaluation: one flat row a number, a short summary for `dvc metrics`, and the confusion counts."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from culturebench.artifacts._csv import save_csv
from culturebench.artifacts._json import as_object, load_json, save_json, save_rows
from culturebench.artifacts._table import ArtifactError

STAGE = "evaluate"
PATH = "reports/metrics/evaluation.json"
SUMMARY_PATH = "reports/metrics/summary.json"
CONFUSION_PATH = "reports/plots/confusion.csv"


class EvaluationRow(TypedDict):
    """A value, or with `against` the paired difference from another condition."""

    model: str
    encoder: str
    prompts: str  # `test`, or the name of captions from outside of the benchmark
    condition: str
    against: str  # the condition that is taken off, on the same prompts and seeds; "" for a value
    strength: float | None  # lambda, null where none is used
    judge: str  # a judge, `pooled`, `a+b` for the agreement of two or more, or "" where no judge is asked
    region: str  # a code or `all`
    measure: str
    value: float | None  # a share 0..1, a difference of shares, or the measure's own unit; null when it was not run
    low: float | None  # prompts drawn anew within their regions: these regions, and no others
    high: float | None
    p_value: float | None  # of a difference over all regions, corrected for all comparisons of its measure; else null
    low_by_region: float | None  # whole regions drawn anew: regions like these; null for a single region
    high_by_region: float | None
    p_by_region: float | None  # as `p_value`, with whole regions flipped
    n_prompts: int
    n_images: int
    seeds: list[int]
    reason: str  # why `value` is null, else ""


class ConfusionRow(TypedDict):
    """How often one judge gave one answer for one true region."""

    model: str
    condition: str
    judge: str
    truth: str
    answer: str
    count: int


COLUMNS = tuple(EvaluationRow.__annotations__)
CONFUSION_COLUMNS = tuple(ConfusionRow.__annotations__)
SORTED_BY = ("model", "prompts", "measure", "condition", "against", "judge", "region")

#: Model -> condition -> measure -> value, and under `minus` other condition -> measure -> difference.
Summary = Mapping[str, Mapping[str, Mapping[str, Any]]]


def save(path: Path, rows: Iterable[EvaluationRow]) -> None:
    """Write the rows sorted; `ArtifactError` for a row with other columns or a null without a reason."""
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in SORTED_BY))
    for row in ordered:
        _check(path, row)
    save_rows(path, ordered)


def load(path: Path) -> list[EvaluationRow]:
    """The rows; `ArtifactError` when the file does not fit."""
    content = load_json(path, STAGE)
    if not isinstance(content, list):
        raise ArtifactError(f"{path} holds no list of rows; run `dvc repro -f {STAGE}`")
    rows = cast(list[EvaluationRow], content)
    for row in rows:
        _check(path, row, f"; run `dvc repro -f {STAGE}`")
    return rows


def save_summary(path: Path, summary: Summary) -> None:
    """Write the nested numbers that `dvc metrics show` and `dvc metrics diff` print."""
    save_json(path, summary)


def save_confusion(path: Path, rows: Iterable[ConfusionRow]) -> None:
    """Write the counts of each true region and answer as CSV, sorted."""
    save_csv(path, CONFUSION_COLUMNS, sorted(rows, key=lambda row: tuple(row[name] for name in CONFUSION_COLUMNS)))


def load_confusion(path: Path) -> list[ConfusionRow]:
    """The counts as rows; `ArtifactError` when the file is missing or has other columns."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != CONFUSION_COLUMNS:
                raise ArtifactError(f"{path} has other columns; run `dvc repro -f {STAGE}`")
            rows: list[Any] = [{**row, "count": int(row["count"])} for row in reader]
            return rows
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; run `dvc repro {STAGE}`") from None
    except (ValueError, TypeError):
        raise ArtifactError(f"{path} holds a count that is no number; run `dvc repro -f {STAGE}`") from None


def _check(path: Path, row: Any, advice: str = "") -> None:
    content = as_object(row)
    if content.keys() != set(COLUMNS):
        raise ArtifactError(f"{path}: a row needs exactly the columns {', '.join(COLUMNS)}; got {row!r}{advice}")
    if (content["value"] is None) != bool(content["reason"]):
        raise ArtifactError(f"{path}: a value is null exactly when a reason says why; got {row!r}{advice}")
