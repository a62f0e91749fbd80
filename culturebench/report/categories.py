"""K-StyleLoRA's figures 2 and 3, and its Cultural Similarity Score by category, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.conditions.adapted import EXPLICIT, GENERIC, label_of
from culturebench.conditions.categories import in_order
from culturebench.evaluation.adapters import BY_CATEGORY, TAKEN
from culturebench.measures import records
from culturebench.report import words
from culturebench.report.gallery import data_uri

if TYPE_CHECKING:
    from culturebench.artifacts.adapter_results import CategoryRow
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.report.adapters import Adapter

SETS = (EXPLICIT, GENERIC)
#: Of the figure, from top to bottom; the first adapter of a kind stands for it, one without controls if there is any.
KINDS = {
    "standard": "LoRA",
    "csl": "LoRA with the cultural loss",
    "gating": "gated LoRA",
    "k_style": "K-StyleLoRA",
}
VANILLA = "without an adapter"


def is_shown(row: PictureRow) -> bool:
    """Whether a picture may stand in the figure: of either English set, without the adapter or as it was trained."""
    return row["condition"] in SETS and row["strength"] in (0.0, 1.0)


def by_category(found: Mapping[str, Adapter], pixels: int) -> list[dict[str, Any]]:
    """`[{region, figure, tables, missing}]`, one for each region that adapters were trained for."""
    regions: dict[str, dict[str, Adapter]] = {}
    for name, one in found.items():
        regions.setdefault(one.results["region"], {})[name] = one
    return [
        {"region": region, "figure": _figure(some, pixels), **_tables(some)}
        for region, some in regions.items()
        if any(one.results["by_category"] for one in some.values())
    ]


def _of_kinds(found: Mapping[str, Adapter]) -> list[tuple[str, Adapter]]:
    """One adapter of each kind."""
    chosen: list[tuple[str, Adapter]] = []
    for kind in KINDS:
        some = [(name, one) for name, one in found.items() if one.results["kind"] == kind]
        if some:
            chosen.append(min(some, key=lambda item: _varied(item[1])))
    return chosen


def _varied(one: Adapter) -> tuple[bool, bool]:
    return one.results["concepts"] != "region", one.results["preserve"] > 0


def _figure(found: Mapping[str, Adapter], pixels: int) -> dict[str, Any]:
    """`{columns: [{label, prompts}], rows: [{set, first, label, kind, cells}]}`; a column without prompts has none."""
    first = next(iter(found.values()))
    shown = {one["category"]: (one["prompt_id"], one["seed"]) for one in first.results["shown"]}
    columns = in_order(list(shown))
    rows = [
        {"set": chosen, "first": not number, "label": label, "kind": kind, "cells": cells}
        for chosen in SETS
        for number, (label, kind, one, strength) in enumerate(_lines(found))
        for cells in ([_cell(one, chosen, strength, shown.get(name), label, pixels) for name, _ in columns],)
    ]
    texts = {(row["condition"], row["prompt_id"]): row["prompt"] for row in first.pictures}
    return {
        "columns": [
            {
                "label": label,
                "prompts": [texts.get((chosen, shown[name][0]), "") for chosen in SETS] if name in shown else [],
            }
            for name, label in columns
        ],
        "rows": rows,
    }


def _lines(found: Mapping[str, Adapter]) -> list[tuple[str, str, Adapter, float]]:
    """(label, kind, adapter, strength) of each line of a set; the pictures without are the same for all adapters."""
    chosen = _of_kinds(found)
    with_one = [(name, KINDS[one.results["kind"]], one, 1.0) for name, one in chosen]
    return [(VANILLA, "vanilla", chosen[0][1], 0.0), *with_one]


def _cell(
    one: Adapter, chosen: str, strength: float, key: tuple[str, int] | None, label: str, pixels: int
) -> dict[str, str] | None:
    for row in one.pictures:
        if (row["condition"], row["strength"], (row["prompt_id"], row["seed"])) == (chosen, strength, key):
            return {"uri": data_uri(row["image"], pixels), "alt": f"{row['prompt']}, {label}"}
    return None


def _tables(found: Mapping[str, Adapter]) -> dict[str, Any]:
    """A table of each measure that was run, and why the others were not: `{tables, missing: [(label, reason)]}`."""
    every = [row for one in found.values() for row in one.results["by_category"]]
    tables: list[dict[str, Any]] = []
    missing: list[tuple[str, str]] = []
    for judge, measure in BY_CATEGORY:
        rows = [row for row in every if (row["judge"], row["measure"]) == (judge, measure)]
        label = "Pictures that show the adapter’s region" if measure == TAKEN else words.measure(measure)
        if any(row["value"] is not None for row in rows):
            share = measure == TAKEN or records.measure(measure).unit == "share"
            tables.append({"label": label, "share": share, **_table(found, judge, measure)})
        elif rows:
            missing.append((label.rstrip(" ↑"), rows[0]["reason"].removeprefix("not run: ")))
    return {"tables": tables, "missing": missing}


def _table(found: Mapping[str, Adapter], judge: str, measure: str) -> dict[str, Any]:
    """`{sets, columns, rows: [{label, prompts, cells}]}`; `cells` are none where a category has no prompts."""
    columns = [(VANILLA, next(iter(found.values())), 0.0), *((name, one, 1.0) for name, one in found.items())]

    def of(one: Adapter, chosen: str, strength: float, category: str) -> CategoryRow | None:
        wanted = (chosen, strength, judge, measure, category)
        rows = one.results["by_category"]
        return next(
            (r for r in rows if wanted == (r["set"], r["strength"], r["judge"], r["measure"], r["category"])), None
        )

    lines: list[dict[str, Any]] = []
    for category, label in in_order(_categories(found)):
        cells = [of(one, chosen, strength, category) for chosen in SETS for _, one, strength in columns]
        prompts = max((row["n_prompts"] for row in cells if row), default=0)
        lines.append({"label": label, "prompts": prompts, "cells": cells if prompts else []})
    return {"sets": [label_of(one) for one in SETS], "columns": [label for label, *_ in columns], "rows": lines}


def _categories(found: Mapping[str, Adapter]) -> Sequence[str]:
    return sorted({row["category"] for one in found.values() for row in one.results["by_category"]})
