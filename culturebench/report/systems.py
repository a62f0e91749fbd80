"""The paper's first table: every system of the run by every measure, judges pooled, the best of each marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.measures import records
from culturebench.report import published
from culturebench.report.results import Results
from culturebench.results import as_table, pivot

if TYPE_CHECKING:
    import pandas as pd

    from culturebench.artifacts.evaluation import EvaluationRow as Row

#: Of every system: as it comes, and what brings culture back.
SHOWN = ("noun", "amplified", "enhanced")
MEASURES = ("culture_vqa", *records.at("column"))


def systems(
    rows: Sequence[Row], papers: Mapping[str, str], regions: Sequence[str], level: float
) -> dict[str, Any] | None:
    """`{measures, rows: [{model, condition, cells: [{row, best, paper}]}], chance}`; None without two systems.

    `papers` says of each model of the run what the paper calls it, "" for one that it does not have. Among all rows
    the best value of a measure is marked `best`; `chance` is CultureVQA of a guess among the regions and
    "unrecognizable". Where nothing was measured there is no table either.
    """
    measured = [row for row in rows if row["value"] is not None and row["condition"] in SHOWN]
    if len(papers) < 2 or not measured:
        return None
    found = {model: Results(rows, model, level) for model in papers}
    wanted = {"condition": list(SHOWN), "measure": list(MEASURES), "model": list(papers)}
    values = pivot(as_table(measured), ["model", "condition"], "measure", **wanted)
    measures = [str(name) for name in values.columns]
    best = {name: _best(name, values[name]) for name in measures}
    lines = [(model, name) for model in papers for name in found[model].present(SHOWN)]
    table = [
        {
            "model": model,
            "condition": name,
            "cells": [_cell(found[model].get(name, one), one, best[one], papers[model], name) for one in measures],
        }
        for model, name in lines
    ]
    told = {one: any(published.value(papers[model], name, one) is not None for model, name in lines) for one in best}
    return {"measures": list(told.items()), "rows": table, "chance": 1 / (len(regions) + 1)}


def _cell(row: Row | None, measure: str, best: float | None, paper: str, name: str) -> dict[str, Any]:
    return {
        "row": row,
        "share": records.measure(measure).unit == "share",
        "best": best is not None and row is not None and row["value"] == best,
        "paper": published.value(paper, name, measure),
    }


def _best(measure: str, values: pd.Series[float]) -> float | None:
    direction = records.measure(measure).direction
    return None if direction == "neither" else values.max() if direction == "higher" else values.min()
