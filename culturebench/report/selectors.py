"""The selectors of culture neurons side by side, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.artifacts.comparison import WHOLE
from culturebench.probing.selectors import CONTROL, SELECTORS, selector
from culturebench.report.plot import Axis, Plot

if TYPE_CHECKING:
    from culturebench.artifacts.comparison import Comparison, Effects, Interval
    from culturebench.artifacts.sae import Quality

EFFECTS = ("own", "cross", "selective", "beyond_random")


def comparison(found: Comparison, level: float = 0.95) -> dict[str, Any]:
    """What masking did: a row of effects a selector, and a matrix of drops each; tests err as often as 1 - `level`."""
    counts = sorted(found["selectors"], key=lambda count: (count != WHOLE, count != WHOLE and -int(count)))
    picks = [
        (count, name)
        for count in counts
        for name in sorted(found["selectors"][count], key=lambda name: list(SELECTORS).index(selector(name).name))
    ]
    drops = {(cell["k"], cell["selector"], cell["source"], cell["target"]): cell for cell in found["matrix"]}
    regions: Sequence[str] = found["regions"]
    return {
        **{key: found[key] for key in ("judge", "prompts", "seeds", "unmasked", "regions")},
        "sparse": len(drops) < len(picks) * len(regions) ** 2,
        "tables": [
            {
                "title": count_words(count),
                "rows": [_row(name, found["selectors"][count][name], level) for at, name in picks if at == count],
            }
            for count in counts
        ],
        "matrices": [
            {
                "label": f"{selector(name).label}, {count_words(count)}",
                "rows": [[drops.get((count, name, one, other)) for other in regions] for one in regions],
            }
            for count, name in picks
        ],
    }


def count_words(count: str) -> str:
    """Which of a region's neurons are masked."""
    return "all that the rule picks" if count == WHOLE else f"its best {count} alone"


def _row(name: str, effects: Effects, level: float) -> dict[str, Any]:
    cells = [effects[key] if (name, key) != (CONTROL, "beyond_random") else None for key in EFFECTS]
    return {
        "label": selector(name).label,
        "by": selector(name).by,
        "neurons": effects["neurons"],
        "cells": [{"row": cell, "evident": _evident(cell, level)} for cell in cells],
    }


def _evident(effect: Interval | None, level: float) -> bool:
    """Whether the corrected test by prompt finds it."""
    return effect is not None and effect["p_value"] is not None and effect["p_value"] <= 1 - level


def training_charts(seeds: Mapping[str, Quality]) -> list[dict[str, str]]:
    """Unexplained variance and dead share over the steps of the autoencoders' training; `{label, svg}` each."""
    labels = {"fvu": "variance left unexplained", "dead": "latents silent for long", "l0": "latents a token"}
    charts: list[dict[str, str]] = []
    for key, label in labels.items():
        curves = [[(point["step"], point[key]) for point in one["history"]] for one in seeds.values()]
        values = [value for curve in curves for _, value in curve]
        if not values:
            continue
        x_axis = Axis.nice(0, max(step for curve in curves for step, _ in curve), "step")
        y_axis = Axis.nice(0.0, max(values), percent=key != "l0")
        plot = Plot(x_axis, y_axis, f"{label} by step", width=300, height=170)
        for place, curve in reversed(list(enumerate(curves))):
            plot.line(curve, "grey" if place else "")
        charts.append({"label": label, "svg": plot.svg()})
    return charts
