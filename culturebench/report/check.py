"""The causal check of cultural attention: both curves in one chart, the effects in their own unit, and one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.report import words
from culturebench.report.plot import Axis, Plot

if TYPE_CHECKING:
    from culturebench.artifacts import layer_probe
    from culturebench.artifacts.layer_check import Check, Point
    from culturebench.artifacts.layer_probe import Layer


def check_values(probe: Layer, check: Check) -> dict[str, Any]:
    """What the template shows: `{pairs, share, sentence, beside, effects}`; the charts are None without points."""
    points = sorted(check["points"], key=lambda point: point["layer"])
    return {
        "pairs": check["pairs"],
        "share": check["share"],
        "sentence": sentence(probe, check),
        "beside": _beside(probe, points, check["layer"]) if points else None,
        "effects": _effects(points, check["layers"], check["layer"]) if points else None,
    }


def sentence(probe: Layer, check: Check) -> str:
    """Whether the check and delta CA name the same layer, under the reference that decides and the others."""
    if check["pairs"] < check["least_pairs"]:
        return f"No evidence: {check['pairs']} pairs could be pushed, {check['least_pairs']} are needed."
    marks = _marks(probe)
    if check["layer"] is None:
        return (
            "No evidence: at no layer does the push move the output further than at its neighbours, beyond what a "
            f"culture-free modifier does; so it neither supports nor contradicts ΔCA, which {_said(marks, probe)}."
        )
    point = next(point for point in check["points"] if point["layer"] == check["layer"])
    agree = marks.get(probe["reference"]) == check["layer"]
    return (
        f"The two {'agree' if agree else 'disagree'}. The push counts most at "
        f"{words.layer(check['layer'], check['layers'])}: {words.percent(point['effect'])} of the way to the cultural "
        f"prompt, {words.points(point['beyond'])} points {words.interval(point)} beyond a culture-free modifier. "
        f"ΔCA {_said(marks, probe)}."
    )


def disagreement(probe: Layer, check: Check) -> str:
    """What the first lines say of the layer: that none is marked, or who marks another; empty when all agree."""
    marks = _marks(probe)
    mark = probe["layer"] if probe["significant"] else None
    others = {f"ΔCA with the reference {name.replace('_', ' ')}": layer for name, layer in marks.items()}
    others.pop(f"ΔCA with the reference {probe['reference'].replace('_', ' ')}", None)
    if check["points"]:
        others["the causal check"] = check["layer"]
    against = [f"{name} marks {_named(layer, probe['layers'])}" for name, layer in others.items() if layer != mark]
    if mark is None:
        told = f"No layer is marked as the culture layer; params name {words.layer(probe['layer'], probe['layers'])}."
    else:
        told = f"The answers on the culture layer disagree: {words.layer(mark, probe['layers'])} is marked."
    if mark is not None and not against:
        return ""
    return " ".join([told, *([f"But {_listed(against)}."] if against else [])])


def _named(layer: int | None, layers: int) -> str:
    return "no layer" if layer is None else words.layer(layer, layers)


def _marks(probe: Layer) -> dict[str, int | None]:
    """Reference -> the layer that delta CA marks in the direction that decides."""
    rows = [row for row in probe["curves"] if row["direction"] == probe["direction"]]
    found: dict[str, int | None] = {}
    for reference in dict.fromkeys(row["reference"] for row in rows):
        marked = [row for row in rows if row["reference"] == reference and row["marked"]]
        found[reference] = max(marked, key=lambda row: row["delta"])["layer"] if marked else None
    return found


def _said(marks: Mapping[str, int | None], probe: Layer) -> str:
    by_layer: dict[int | None, list[str]] = {}
    for reference, layer in marks.items():
        by_layer.setdefault(layer, []).append(reference.replace("_", " "))
    parts = [f"{_named(layer, probe['layers'])} under {_listed(references)}" for layer, references in by_layer.items()]
    return f"marks {', '.join(parts)}" if parts else "could not be measured"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _beside(probe: Layer, points: Sequence[Point], best: int | None) -> str:
    """Both curves over the layers, each as a share of its own largest value, since their units differ."""
    curves = {
        reference: [row for row in probe["curves"] if _is(row, probe["direction"], reference) and row["candidate"]]
        for reference in _marks(probe)
    }
    shares = {name: _scaled([row["delta"] for row in rows]) for name, rows in curves.items()}
    candidates = [point for point in points if point["candidate"]]
    effect = _scaled([point["beyond"] for point in candidates])
    everything = [0.0, 1.0, *effect, *(value for values in shares.values() for value in values)]
    plot = Plot(
        Axis.whole([point["layer"] + 1 for point in candidates], "layer", pad=0.35),
        Axis.nice(min(everything), max(everything)),
        "The effect of a push and delta CA by layer, each as a share of its largest value",
        width=460,
        height=250,
    )
    for reference, rows in curves.items():
        chosen = reference == probe["reference"]
        at = [(row["layer"] + 1, share) for row, share in zip(rows, shares[reference], strict=True)]
        plot.line(at, "second" if chosen else "grey")
        for place, row in zip(at, rows, strict=True):
            name = f"ΔCA, reference {reference.replace('_', ' ')}"
            title = f"{name}, {words.layer(row['layer'], probe['layers'])}: {words.number(row['delta'])}"
            plot.dot(place, title, "grey", 3)
    at = [(point["layer"] + 1, share) for point, share in zip(candidates, effect, strict=True)]
    plot.line(at)
    for place, point in zip(at, candidates, strict=True):
        style, radius = ("marked", 6) if point["layer"] == best else ("", 4)
        plot.dot(place, f"effect, {_title(point, probe['layers'])}", style, radius)
    return plot.svg()


def _is(row: layer_probe.Point, direction: str, reference: str) -> bool:
    return row["direction"] == direction and row["reference"] == reference


def _scaled(values: Sequence[float]) -> list[float]:
    largest = max(map(abs, values), default=0.0)
    return [value / largest if largest else 0.0 for value in values]


def _effects(points: Sequence[Point], layers: int, best: int | None) -> str:
    """How far the push goes at each layer, and how far with a culture-free modifier."""
    bounds = [value for point in points for value in (point["effect_low"], point["effect_high"], point["control"], 0.0)]
    plot = Plot(
        Axis.whole([point["layer"] + 1 for point in points], "layer", pad=0.35),
        Axis.nice(min(bounds), max(bounds), percent=True),
        "How far a push at each layer goes towards the cultural prompt",
        width=460,
        height=250,
    )
    plot.line([(point["layer"] + 1, point["control"]) for point in points], "grey")
    plot.band([(point["layer"] + 1, point["effect_low"], point["effect_high"]) for point in points])
    plot.line([(point["layer"] + 1, point["effect"]) for point in points])
    for point in points:
        style = "marked" if point["layer"] == best else "" if point["candidate"] else "grey"
        plot.dot((point["layer"] + 1, point["effect"]), _title(point, layers), style, 6 if style == "marked" else 4)
    return plot.svg()


def _title(point: Point, layers: int) -> str:
    return (
        f"{words.layer(point['layer'], layers)}: {words.percent(point['effect'])} of the way, with a culture-free "
        f"modifier {words.percent(point['control'])}"
    )
