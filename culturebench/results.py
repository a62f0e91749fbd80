"""Results as pandas tables: load those of a project, shape them as the paper's tables, hold two runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from culturebench.artifacts import evaluation, groups, splits
from culturebench.artifacts._json import load_json
from culturebench.conditions import CONDITIONS
from culturebench.errors import CultureBenchError
from culturebench.evaluation.names import ALL, CULTURE, POOLED, TEST
from culturebench.measures.records import MEASURES

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import EvaluationRow

#: What tells one row from every other.
AXES = ("model", "prompts", "condition", "against", "judge", "region", "measure")
#: Where a table stands on these axes unless it is told otherwise: values over all regions, judges pooled.
USUAL: Mapping[str, tuple[str, ...]] = {
    "prompts": (TEST,),
    "against": ("",),
    "judge": (POOLED, ""),  # the second of measures that no judge gives
    "region": (ALL,),
    "measure": (CULTURE,),
}
CONDITION_NAMES = [one.name for one in CONDITIONS]
ORDERS = {"condition": CONDITION_NAMES, "against": CONDITION_NAMES, "measure": list(MEASURES)}
NUMBERS = ("value", "low", "high", "p_value", "low_by_region", "high_by_region", "p_by_region", "n_prompts", "n_images")


class ResultsError(CultureBenchError):
    """Results that were asked for something that they do not have."""


def load_results(folder: str | PathLike[str]) -> pd.DataFrame:
    """The evaluation of the project in `folder`, a row a number; `seeds` are tuples, what is not known is NaN or "".

    `culturebench.artifacts.evaluation.EvaluationRow` says what each column holds: shares and differences of shares are
    0..1, `low` and `high` bound the interval with prompts drawn anew within their regions, `low_by_region` and
    `high_by_region` the one with whole regions drawn anew. `ArtifactError` where nothing was evaluated yet.
    """
    return as_table(evaluation.load(Path(folder) / evaluation.PATH))


def as_table(rows: Sequence[EvaluationRow]) -> pd.DataFrame:
    """The same of rows that are loaded already."""
    frame = pd.DataFrame([{**row, "seeds": tuple(row["seeds"])} for row in rows], columns=list(evaluation.COLUMNS))
    numbers = {name: "float64" for name in ("strength", *NUMBERS) if not name.startswith("n_")}
    return frame.astype({**numbers, "n_prompts": "int64", "n_images": "int64"})


def load_groups(folder: str | PathLike[str]) -> pd.DataFrame:
    """CultureVQA of the test prompts by subdivision of each region and by category, of the project in `folder`.

    A row a number, judges pooled: `by` is `subdivision` or `category`, and `culturebench.artifacts.groups.GroupRow`
    says what each column holds. `low` and `high` are NaN with a single prompt. `ArtifactError` where nothing was
    evaluated yet.
    """
    frame = pd.DataFrame(groups.load(Path(folder) / groups.PATH), columns=list(groups.COLUMNS))
    shares, numbers = ("value", "low", "high"), ("n_prompts", "n_images")
    return frame.astype({**dict.fromkeys(shares, "float64"), **dict.fromkeys(numbers, "int64")})


def load_counts(folder: str | PathLike[str]) -> pd.DataFrame:
    """Pictures of the data set by subdivision and by category of each region, with those of each split; a row each.

    `ArtifactError` where nothing was split yet.
    """
    found: Any = load_json(Path(folder) / splits.COUNTS, splits.STAGE).get("groups", {})
    rows = [
        {"region": region, "by": by, "group": group, **counts}
        for region, one in found.items()
        for by, groups_ in one.items()
        for group, counts in groups_.items()
    ]
    numbers = ["pictures", *splits.SPLITS]
    frame = pd.DataFrame(rows, columns=["region", "by", "group", *numbers])
    return frame.fillna(dict.fromkeys(numbers, 0)).astype(dict.fromkeys(numbers, "int64"))


def pivot(
    results: pd.DataFrame,
    rows: str | Sequence[str],
    columns: str | Sequence[str],
    *,
    values: str | Sequence[str] = "value",
    **where: str | Sequence[str],
) -> pd.DataFrame:
    """A table of `values` with an axis, or several, along its rows and its columns.

    `where` says which values an axis has, `region=["jp", "kr"]`; those that are not named are where `USUAL` says, and
    along an axis of the table stand all. The paper's tables:

    - systems by measures: `pivot(results, ["model", "condition"], "measure")`
    - regions by conditions: `pivot(results, "region", "condition")`
    - what an edit adds: `pivot(results, "condition", "against", against=["noun", "random_amplified"])`

    With several `values`, say `["value", "low", "high"]`, they are the last level of the columns. Conditions and
    measures stand in the order of their records. `ResultsError` where nothing is left, or two rows fall into one cell.
    """
    rows, columns, values = _listed(rows), _listed(columns), _listed(values)
    along = [*rows, *columns]
    chosen = _chosen(results, along, where)
    if chosen.duplicated(along).any():
        axis = next(axis for axis in AXES if axis not in along and chosen[axis].nunique() > 1)
        raise ResultsError(
            f"rows differ in {axis!r} as well: {_shown(chosen[axis])}; put it along the table or say {axis}=..."
        )
    table = chosen.pivot(index=rows, columns=columns, values=values)
    table = table.reorder_levels([*range(1, table.columns.nlevels), 0], axis="columns")
    if len(values) == 1:
        table = table.droplevel(-1, axis="columns")
    for axis in ("index", "columns"):
        table = table.sort_index(axis=axis, key=_in_order)
    return table


def compare(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str] = ("first", "second")) -> pd.DataFrame:
    """Two runs, or two models' rows of one, side by side: numbers of both and `difference` in value, second - first.

    Rows that only one has stay, with NaN in the other's place. Models are told apart only where one side has several.
    The difference has no interval: the rows do not hold what each prompt scored.
    """
    sides = (first, second)
    models = [set(side["model"]) for side in sides]
    across = max(map(len, models)) <= 1
    axes = [axis for axis in AXES if not (across and axis == "model")]
    kept = [side.set_index(axes)[list(NUMBERS)] for side in sides]
    for name, side in zip(names, kept, strict=True):
        if side.index.has_duplicates:
            raise ResultsError(f"{name}: two rows are of one {', '.join(axes)}; choose the rows of one run")
    table = pd.concat(kept, axis="columns", keys=list(names), names=["run", "number"])
    table["difference"] = table[names[1], "value"] - table[names[0], "value"]
    return table.sort_index(key=_in_order)


def _chosen(results: pd.DataFrame, along: Sequence[str], where: Mapping[str, str | Sequence[str]]) -> pd.DataFrame:
    if unknown := [axis for axis in (*along, *where) if axis not in AXES]:
        raise ResultsError(f"{unknown[0]!r} is no axis of results; these are: {', '.join(AXES)}")
    chosen = results
    for axis in AXES:
        wanted = _listed(where[axis]) if axis in where else None if axis in along else USUAL.get(axis)
        if wanted is None:
            continue
        left = chosen[chosen[axis].isin(wanted)]
        if left.empty:
            raise ResultsError(f"no row has {axis} {_shown(wanted)}; there are: {_shown(chosen[axis])}")
        chosen = left
    return chosen


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _shown(values: Any) -> str:
    return ", ".join(repr(value) for value in dict.fromkeys(values)) or "none"


def _in_order(level: pd.Index) -> pd.Index:
    """Places by which a level of an index is sorted: by the records, else as texts; all regions last."""
    found = [str(value) for value in level.unique()]
    if isinstance(level.name, str) and level.name in ORDERS:
        order = ["", *ORDERS[level.name], *found]  # a measure of the user's own comes last
    elif level.name in AXES:
        order = sorted(found, key=lambda value: (value == ALL, value))
    else:
        order = found
    places = {name: place for place, name in enumerate(dict.fromkeys(order))}
    return pd.Index([places[str(value)] for value in level])
