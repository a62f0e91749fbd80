"""The chapter on adapters: what each brings back, what it does to everyone else, and what its training did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from culturebench.conditions.adapted import BOTH, EXPLICIT, GENERIC, SETS, label_of
from culturebench.evaluation.adapters import TAKEN
from culturebench.evaluation.names import CULTURE, OBJECT, PLAIN, POOLED
from culturebench.report import categories, published, words
from culturebench.report.categories import KINDS
from culturebench.report.plot import Axis, Plot

if TYPE_CHECKING:
    from culturebench.artifacts.adapter import History
    from culturebench.artifacts.adapter_results import AdapterResults, ResultRow
    from culturebench.artifacts.pictures import PictureRow

STYLES = ("", "second", "third", "grey")  # of the lines, in their order; then again
#: Below the sets of the region's own prompts: what its pictures show; below others': what became of them.
SHOWN = {True: (TAKEN, PLAIN), False: (CULTURE, TAKEN, PLAIN)}
LABELS = {TAKEN: "adapter’s region", CULTURE: "their own region", PLAIN: "no culture"}


@dataclass(frozen=True)
class Adapter:
    """What is known of one adapter."""

    results: AdapterResults
    history: History
    pictures: Sequence[PictureRow] = field(default_factory=list[Any])  # those that the figure by category may show


def chapter(found: Mapping[str, Adapter], paper: str, pixels: int) -> dict[str, Any] | None:
    """All that the template shows of a model's adapters; None without any.

    `paper` is the published model's name; no picture is wider or higher than `pixels`.
    """
    if not found:
        return None
    return {
        "told": sentences(found),
        "adapters": [_described(name, one) for name, one in found.items()],
        "columns": [
            {"set": one, "measure": measure, "label": LABELS[measure]} for one in SETS for measure in SHOWN[one.own]
        ],
        "groups": [{"label": one.label, "explained": one.explained, "span": len(SHOWN[one.own])} for one in SETS],
        "rows": [row for name, one in found.items() for row in _rows(name, one)],
        "judges": [row for name, one in found.items() for row in _by_judge(name, one)],
        "objects": [row for name, one in found.items() for row in _objects(name, one)],
        "published": _published(found, paper),
        "by_category": categories.by_category(found, pixels),
        "curve": _curve(found),
        "training": [chart for name, one in found.items() for chart in _training(name, one)],
    }


def _described(name: str, one: Adapter) -> dict[str, Any]:
    results, history = one.results, one.history
    notes = [f"captions: {results['caption']}", f"{history['parameters']:,} weights, {history['pairs']} pictures"]
    if results["kind"] != "standard":
        notes.append(f"concepts: {results['concepts'].replace('_', ' ')}")
    if results["kind"] in ("csl", "k_style"):
        notes.append(f"projection: {results['projection']}")
    if history["distilled"] is not None:
        notes.append(f"its cosine to the picture tower on held-out pictures: {words.number(history['distilled'])}")
    if results["preserve"]:
        notes.append(
            f"held to the frozen model on {history['kept']} captions of others, weight {results['preserve']:g}"
        )
    return {"name": name, "label": KINDS[results["kind"]], "region": results["region"], "notes": notes}


def _row_of(results: AdapterResults, name: str, strength: float, judge: str, measure: str) -> ResultRow | None:
    wanted = (name, strength, judge, measure)
    return next(
        (row for row in results["rows"] if (row["set"], row["strength"], row["judge"], row["measure"]) == wanted), None
    )


def _change(row: ResultRow | None) -> dict[str, Any] | None:
    if row is None or row["change"] is None:
        return None
    return {"value": row["change"], "low": row["change_low"], "high": row["change_high"]}


def _rows(name: str, one: Adapter, judge: str = POOLED) -> list[dict[str, Any]]:
    """Without the adapter, and as it was trained."""
    return [
        {
            "name": name if strength else f"without {name}",
            "cells": [
                {"row": row, "change": _change(row)}
                for chosen in SETS
                for measure in SHOWN[chosen.own]
                for row in (_row_of(one.results, chosen.name, strength, judge, measure),)
            ],
        }
        for strength in (0.0, 1.0)
    ]


def _by_judge(name: str, one: Adapter) -> list[dict[str, Any]]:
    judges = sorted({row["judge"] for row in one.results["rows"]} - {"", POOLED})
    return [{"judge": judge, **row} for judge in judges for row in _rows(name, one, judge)]


def _objects(name: str, one: Adapter) -> list[dict[str, Any]]:
    cells = [_row_of(one.results, chosen.name, 1.0, POOLED, OBJECT) for chosen in SETS]
    return [{"name": name, "cells": [{"row": row, "change": _change(row)} for row in cells]}]


def _published(found: Mapping[str, Adapter], paper: str) -> dict[str, Any]:
    """The published table's shape: each measure without a judge on explicit, generic and all English prompts."""
    rows = [row for one in found.values() for row in one.results["rows"]]
    measures = sorted({row["measure"] for row in rows if not row["judge"] and row["value"] is not None})
    kinds = (BOTH, EXPLICIT, GENERIC)
    return {
        "measures": measures,
        "kinds": [label_of(kind) for kind in kinds],
        "rows": [
            {
                "name": name if strength else f"without {name}",
                "cells": [
                    {
                        "row": _row_of(one.results, kind, strength, "", measure),
                        "paper": published.of_adapter(paper, one.results["kind"] if strength else "", kind, measure),
                    }
                    for measure in measures
                    for kind in kinds
                ],
            }
            for name, one in found.items()
            for strength in (0.0, 1.0)
        ],
    }


def _curve(found: Mapping[str, Adapter]) -> dict[str, Any]:
    """Own nouns by the size of what is added, for every adapter at every strength, on the same axes."""
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for name, one in found.items():
        sizes = {0.0: 0.0, **{size["strength"]: size["size"] for size in one.results["sizes"]}}
        rows = [(s, sizes[s], _row_of(one.results, SETS[0].name, s, POOLED, TAKEN)) for s in sorted(sizes)]
        lines[name] = [(s, size, row["value"]) for s, size, row in rows if row and row["value"] is not None]
    at = [point for points in lines.values() for point in points]
    if not at:
        return {"svg": "", "key": [], "table": []}
    plot = Plot(
        Axis.nice(0.0, max(size for _, size, _ in at), "‖Δh‖ / ‖h‖"),
        Axis.nice(0.0, 1.0, "", percent=True),
        "Own nouns that show the adapter’s region, by the size of the change",
    )
    key = [(STYLES[number % len(STYLES)], name) for number, name in enumerate(lines)]
    for style, name in reversed(key):
        plot.line([(size, value) for _, size, value in lines[name]], style)
        for strength, size, value in lines[name]:
            plot.dot((size, value), f"{name}, σ = {strength:g}: {words.percent(value)}", style, 3.2)
    table = [
        {"name": name, "strength": s, "size": size, "row": _row_of(one.results, SETS[0].name, s, POOLED, TAKEN)}
        for name, one in found.items()
        for s, size, _ in lines[name]
    ]
    return {"svg": plot.svg(), "key": key, "table": table}


def _training(name: str, one: Adapter) -> list[dict[str, str]]:
    """The losses by step; L_cultural beside the lowest value that any picture could give it."""
    history = one.history
    labels = {
        "loss": "the denoiser’s loss", "kept": "distance to the frozen model on others", "cultural": "L_cultural",
        "spread": "how far its features differ", "share": "its share of the gradient", "gate": "mean gate",
    }  # fmt: skip
    charts: list[dict[str, str]] = []
    for key, label in labels.items():
        points: list[tuple[float, float]] = [
            (entry["step"], entry[key]) for entry in history["entries"] if entry.get(key) is not None
        ]
        if not points:
            continue
        lowest = history["bound"] if key == "cultural" else None
        values = [value for _, value in points] + ([] if lowest is None else [lowest])
        low = min(values) if key == "loss" else min(0.0, *values)
        plot = Plot(
            Axis.nice(0, max(step for step, _ in points), "step"), Axis.nice(low, max(values), ""),
            f"{name}: {label} by step", width=300, height=170,
        )  # fmt: skip
        if lowest is not None:
            plot.horizontal(lowest, "bound")
        plot.line(points)
        charts.append({"label": f"{name}: {label}", "svg": plot.svg()})
    return charts


def sentences(found: Mapping[str, Adapter]) -> Sequence[str]:
    """One sentence an adapter: what it brings back, and what it takes from the others."""
    told: list[str] = []
    for name, one in found.items():
        own = _row_of(one.results, "own_noun", 1.0, POOLED, TAKEN)
        others = _row_of(one.results, "others_cultural", 1.0, POOLED, CULTURE)
        if own and own["value"] is not None:
            text = (
                f"Under {name}, {words.percent(own['value'])} of own nouns show {words.region(one.results['region'])}"
            )
            if others and others["change"] is not None:
                text += f", and others’ cultural prompts change by {words.points(others['change'])} points"
            told.append(f"{text}.")
    return told
