"""All measures of one condition's pictures: each by the weights that params name, or the reason why not.

A scorer's module is imported where it runs: most runs need no transformers.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from culturebench.measures.records import SCORERS, Measure, MeasureError, given_by
from culturebench.measures.scoring import not_run
from culturebench.measures.task import Task

if TYPE_CHECKING:
    from culturebench.measures.scoring import Rows


def measure_all(task: Task) -> Rows:
    """Rows of the artifact `measured`; `MeasureError` for a scorer or a value that no record knows."""
    return [row for key in task.numbers.scorers() for row in _rows(key, getattr(task.numbers, key), task)]


def module_of(key: str) -> ModuleType:
    """The module of a scorer; `MeasureError` when there is none."""
    try:
        return import_module(f"culturebench.measures.scorers.{key}")
    except ModuleNotFoundError as error:
        if error.name != f"culturebench.measures.scorers.{key}":
            raise
        raise MeasureError(f"measure.{key} has no module culturebench/measures/scorers/{key}.py; add it") from None


def _rows(key: str, chosen: Any, task: Task) -> Rows:
    records = given_by(key)
    if chosen is None:
        return [row for record in records if not SCORERS[key].embedded for row in _missing(record, key, task)]
    rows: Rows = module_of(key).run(chosen, task)
    if strange := {row["measure"] for row in rows} - {record.name for record in records}:
        raise MeasureError(
            f"measure.{key} gave {', '.join(sorted(strange))}; culturebench/measures/records.py has of it: "
            f"{', '.join(record.name for record in records)}"
        )
    return rows


def _missing(record: Measure, key: str, task: Task) -> Rows:
    reason = f"needs the weights of {SCORERS[key].weights}, and measure.{key} in params.yaml names none"
    return not_run(record.name, task.pictures, reason, whole_prompts=record.whole_prompts)
