"""CultureVQA by subdivision of each region and by category: one flat row a number."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from culturebench.artifacts._json import as_object, load_json, save_rows
from culturebench.artifacts._table import ArtifactError

STAGE = "evaluate"
PATH = "reports/metrics/groups.json"
By = Literal["subdivision", "category"]


class GroupRow(TypedDict):
    """The share of right pictures of one group of test prompts, judges pooled."""

    model: str
    condition: str
    by: By
    region: str  # of a subdivision; `all` of a category
    group: str  # key of the subdivision or category; "" for prompts that have none
    value: float
    low: float | None  # Wilson's interval with prompts as what varies; null with a single prompt
    high: float | None
    n_prompts: int
    n_images: int


COLUMNS = tuple(GroupRow.__annotations__)
SORTED_BY = ("model", "by", "region", "group", "condition")


def save(path: Path, rows: Iterable[GroupRow]) -> None:
    """Write the rows sorted."""
    save_rows(path, sorted(rows, key=lambda row: tuple(row[name] for name in SORTED_BY)))


def load(path: Path) -> list[GroupRow]:
    """The rows; `ArtifactError` when the file does not fit."""
    content: Any = load_json(path, STAGE)
    if not isinstance(content, list) or any(as_object(row).keys() != set(COLUMNS) for row in cast(list[Any], content)):
        raise ArtifactError(f"{path} holds no rows of {', '.join(COLUMNS)}; run `dvc repro -f {STAGE}`")
    return cast(list[GroupRow], content)
