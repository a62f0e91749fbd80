"""The report's charts: cultural attention by layer, neuron scores, strength, and the enhancer's training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from culturebench.report import words
from culturebench.report.plot import Axis, Plot

if TYPE_CHECKING:
    from culturebench.artifacts.enhancer import History
    from culturebench.artifacts.layer_probe import BandPoint, Layer, Point
    from culturebench.artifacts.neurons import NeuronRow
    from culturebench.artifacts.strength import Tuned

#: What the deciding curve is drawn beside, and the style of each.
BANDS = ("placebos", "reinitialised")
MAX_CURVE = 48  # ranks of a neuron curve that are drawn at most
BY_INDEX = 6  # regions whose scores are drawn by the neurons' index, as in the paper's figure
MAX_BY_INDEX = 64  # scores of such a chart at most, the largest: the others are shorter than a line is wide
NAMED = 3  # of them have their rank written beside


def layer_charts(probe: Layer) -> list[dict[str, Any]]:
    """One group a direction, the chosen one first: `{direction, chosen, panels}`.

    Each panel is `{reference, chosen, svg, verdict}`.
    """
    curves = probe["curves"]
    directions = list(dict.fromkeys(row["direction"] for row in curves))
    directions.sort(key=lambda name: name != probe["direction"])
    groups: list[dict[str, Any]] = []
    for direction in directions:
        rows = [row for row in curves if row["direction"] == direction]
        bands = {name: [p for p in probe[name]["band"] if p["direction"] == direction] for name in BANDS}
        axis = _axis([row for row in rows if row["reference"] != probe["reference"]])
        panels: list[dict[str, Any]] = []
        for reference in dict.fromkeys(row["reference"] for row in rows):
            own = sorted((r for r in rows if r["reference"] == reference), key=lambda r: r["layer"])
            decides = reference == probe["reference"]
            name = f"Delta CA, {direction}, reference {reference}"
            beside = bands if decides else {}
            height = _axis([*own, *(point for band in beside.values() for point in band)]) if decides else axis
            panels.append(
                {
                    "reference": reference,
                    "chosen": direction == probe["direction"] and decides,
                    "svg": _layer_chart(own, probe["layers"], height, name, beside),
                    "verdict": _layer_verdict(own, probe["layers"]),
                }
            )
        groups.append({"direction": direction, "chosen": direction == probe["direction"], "panels": panels})
    return groups


def _axis(ranges: Sequence[Point | BandPoint]) -> Axis:
    """Around 0 and all ranges; the deciding reference takes more off, so that its values need an axis of their own."""
    return Axis.nice(min([0.0, *(r["low"] for r in ranges)]), max([0.0, *(r["high"] for r in ranges)]), "")


def _layer_verdict(rows: Sequence[Point], layers: int) -> str:
    marked = [row for row in rows if row["marked"]]
    if not marked:
        return "marks no layer"
    best = max(marked, key=lambda row: row["delta"])
    tests = {"sign flips": best["p_flips"], "placebo modifiers": best["p_placebos"]}
    told = ", ".join(f"p = {words.number(p)} by {name}" for name, p in tests.items() if p is not None)
    return f"marks {words.layer(best['layer'], layers)} ({told})"


def _layer_chart(
    rows: Sequence[Point], layers: int, axis: Axis, name: str, bands: Mapping[str, Sequence[BandPoint]]
) -> str:
    """`bands` are what the curve is compared with, by the style in which it is drawn."""
    shown = [row["layer"] + 1 for row in rows]
    plot = Plot(Axis.whole(shown, "layer", pad=0.35), axis, name)
    for style, points in bands.items():
        plot.band([(point["layer"] + 1, point["low"], point["high"]) for point in points], style)
    candidates = [row for row in rows if row["candidate"]]
    plot.line([(row["layer"] + 1, row["delta"]) for row in rows], "grey")
    plot.band([(row["layer"] + 1, row["low"], row["high"]) for row in candidates])
    plot.line([(row["layer"] + 1, row["delta"]) for row in candidates])
    best = max((row for row in rows if row["marked"]), key=lambda row: row["delta"], default=None)
    for row in rows:
        at = (row["layer"] + 1, row["delta"])
        title = f"{words.layer(row['layer'], layers)}: {words.number(row['delta'])} {words.interval(row, share=False)}"
        plot.whisker((at[0], row["low"], row["high"]), "" if row["candidate"] else "grey")
        style = "marked" if row is best else "" if row["candidate"] else "grey"
        plot.dot(at, title, style, 6 if row is best else 4)
    return plot.svg()


def neuron_charts(neurons: Sequence[NeuronRow], regions: Sequence[str]) -> list[dict[str, Any]]:
    """One panel a region: the ranked scores of each SAE seed, the elbow, and the selected neurons."""
    seeds = sorted({row["sae_seed"] for row in neurons})
    by_key: dict[tuple[str, int], list[NeuronRow]] = {(code, seed): [] for code in regions for seed in seeds}
    for row in neurons:
        if (row["region"], row["sae_seed"]) in by_key:
            by_key[row["region"], row["sae_seed"]].append(row)
    for rows in by_key.values():
        rows.sort(key=lambda row: row["rank"])
    elbows = [sum(row["candidate"] for row in rows) for rows in by_key.values()]
    shown = min(MAX_CURVE, max(12, 3 * max(elbows, default=0)))
    top = max((rows[0]["score"] for rows in by_key.values() if rows), default=1.0)
    axis = Axis.nice(0.0, top, "")
    panels: list[dict[str, Any]] = []
    for code in regions:
        curves = [by_key[code, seed][:shown] for seed in seeds]
        selected = [sum(row["selected"] for row in by_key[code, seed]) for seed in seeds]
        panels.append({"region": code, "selected": selected, "svg": _neuron_chart(code, curves, axis, shown)})
    return panels


def _neuron_chart(code: str, curves: Sequence[Sequence[NeuronRow]], y_axis: Axis, shown: int) -> str:
    x_axis = replace(Axis.nice(0, shown, "rank"), high=shown + 1)
    x_axis = replace(x_axis, ticks=tuple(tick for tick in x_axis.ticks if tick[0] <= shown))
    plot = Plot(x_axis, y_axis, f"Scores of {words.region(code)}'s neurons by rank", width=260, height=170)
    for rows in curves[1:]:
        plot.line([(row["rank"] + 1, row["score"]) for row in rows], "grey")
    first = curves[0] if curves else []
    if first:
        elbow = sum(row["candidate"] for row in first)
        plot.line([(row["rank"] + 1, row["score"]) for row in first])
        plot.vertical(elbow + 0.5, f"K = {elbow}")
    for row in first:
        if row["candidate"]:
            kind = "selected" if row["selected"] else "also high on nouns, dropped"
            title = f"latent {row['latent']}: {words.number(row['score'])}, {kind}"
            plot.dot((row["rank"] + 1, row["score"]), title, "" if row["selected"] else "hollow", 3.2)
    return plot.svg()


def index_charts(neurons: Sequence[NeuronRow], regions: Sequence[str]) -> list[dict[str, str]]:
    """The scores of some regions by the neurons' index, of the first SAE seed; the best say their rank.

    The regions are taken evenly over `regions`, so that nobody picks.
    """
    seed = min((row["sae_seed"] for row in neurons), default=0)
    by_region: dict[str, list[NeuronRow]] = {code: [] for code in regions}
    for row in neurons:
        if row["sae_seed"] == seed and row["region"] in by_region:
            by_region[row["region"]].append(row)
    count = min(BY_INDEX, len(regions))
    shown = [regions[number * len(regions) // count] for number in range(count)]
    top = max((row["score"] for code in shown for row in by_region[code]), default=1.0)
    last = max((row["latent"] for row in neurons), default=1)
    axes = Axis.nice(0, last, "index of the latent", count=3), Axis.nice(0.0, top)
    return [{"region": code, "svg": _index_chart(code, by_region[code], axes)} for code in shown]


def _index_chart(code: str, rows: Sequence[NeuronRow], axes: tuple[Axis, Axis]) -> str:
    plot = Plot(*axes, f"Scores of {words.region(code)}'s neurons by index", width=260, height=170)
    for row in sorted(rows, key=lambda row: row["rank"])[:MAX_BY_INDEX]:
        if row["score"] > 0:
            at, rank = (row["latent"], row["score"]), row["rank"] + 1
            plot.whisker((row["latent"], 0.0, row["score"]), "" if row["selected"] else "grey")
            if row["selected"]:
                plot.dot(at, f"latent {row['latent']}: rank {rank}, {words.number(row['score'])}", "", 2.6)
            if rank <= NAMED:
                plot.note(at, f"#{rank}", dy=-5)
    return plot.svg()


def overlap(neurons: Sequence[NeuronRow], regions: Sequence[str]) -> list[list[float]]:
    """Jaccard index of each two regions' selected neurons, mean over the SAE seeds; 0 where both have none."""
    seeds = sorted({row["sae_seed"] for row in neurons})
    chosen: dict[tuple[str, int], set[int]] = {(code, seed): set() for code in regions for seed in seeds}
    for row in neurons:
        if row["selected"] and (row["region"], row["sae_seed"]) in chosen:
            chosen[row["region"], row["sae_seed"]].add(row["latent"])

    def index(one: str, other: str, seed: int) -> float:
        both = chosen[one, seed] | chosen[other, seed]
        return len(chosen[one, seed] & chosen[other, seed]) / len(both) if both else 0.0

    return [[sum(index(a, b, s) for s in seeds) / max(1, len(seeds)) for b in regions] for a in regions]


def strength_chart(edit: str, found: Tuned) -> str:
    """Accuracy with its interval and the share of right objects over lambda, and the chosen lambda."""
    curve = sorted(found["curve"], key=lambda point: point["strength"])
    xs = [point["strength"] for point in curve]
    top = max(value for p in curve for value in (p["accuracy"], p["high"], p["alignment"]) if value is not None)
    bands = [
        (point["strength"], point["low"], point["high"])
        for point in curve
        if point["low"] is not None and point["high"] is not None
    ]
    plot = Plot(Axis.whole(xs, "λ"), Axis.nice(0.0, min(1.0, top), "", percent=True), f"CultureVQA by lambda, {edit}")
    aligned = [(point["strength"], point["alignment"]) for point in curve if point["alignment"] is not None]
    plot.line(aligned, "second")
    plot.band(bands)
    plot.line([(point["strength"], point["accuracy"]) for point in curve])
    plot.vertical(found["strength"], f"λ = {found['strength']:g}")
    for point in curve:
        title = f"λ = {point['strength']:g}: {words.percent(point['accuracy'])} {words.interval(point)}"
        style = "marked" if point["strength"] == found["strength"] else "" if point["allowed"] else "hollow"
        plot.dot((point["strength"], point["accuracy"]), title, style, 5.5 if style == "marked" else 3.5)
    return plot.svg()


def history_charts(history: History) -> list[dict[str, str]]:
    """Loss, residual size and the gap to shuffled references over the enhancer's steps; `{label, svg}` each."""
    labels = {
        "loss": "loss (squared error)",
        "residual": "‖residual‖ / ‖h‖",
        "gap": "loss with shuffled references − with the right ones",
    }
    charts: list[dict[str, str]] = []
    for key, label in labels.items():
        points = [(entry["step"], entry[key]) for entry in history["entries"] if entry.get(key) is not None]
        if points:
            values = [value for _, value in points]
            low = min(0.0, *values) if key != "loss" else min(values)
            x_axis = Axis.nice(0, max(step for step, _ in points), "step")
            plot = Plot(x_axis, Axis.nice(low, max(values), ""), f"{label} by step", width=300, height=170)
            plot.line(points)
            charts.append({"label": label, "svg": plot.svg()})
    return charts
