"""How large each edit is beside its controls, and how accuracy follows the size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.conditions import EDITS, condition, in_order
from culturebench.report import words
from culturebench.report.plot import Axis, Plot

if TYPE_CHECKING:
    from culturebench.artifacts.strength import Dose, Pool, Tuned
    from culturebench.conditions import Edit

STYLES = ("grey", "second", "third")  # of the controls' lines, in their order


def chart(label: str, edit: Edit, found: Tuned, doses: Sequence[Dose]) -> dict[str, Any]:
    """CultureVQA against the edit's size, for the neurons and each control that was tried: `{svg, key}`.

    `key` is a list of (style, condition) in the order of the lines; empty, and no chart, without sizes.
    """
    lines = {edit.home: [(point["size"], point["accuracy"]) for point in found["curve"]]}
    start = lines[edit.home][:1]
    for name in in_order({dose["condition"] for dose in doses}):
        lines[name] = start + [(dose["size"], dose["accuracy"]) for dose in doses if dose["condition"] == name]
    drawn = {
        name: sorted((x, y) for x, y in points if x is not None) for name, points in lines.items() if len(points) > 1
    }
    drawn = {name: points for name, points in drawn.items() if points and points[-1][0] > 0}
    if not drawn:
        return {"svg": "", "key": []}
    at = [point for points in drawn.values() for point in points]
    plot = Plot(
        Axis.nice(0.0, max(x for x, _ in at), "‖edit‖ / ‖h‖"),
        Axis.nice(0.0, max(y for _, y in at), "", percent=True),
        f"CultureVQA by the size of the edit, {label}",
    )
    key = [(style, name) for style, name in zip(("", *STYLES), drawn, strict=False)]
    for style, name in reversed(key):
        plot.line(drawn[name], style)
        for x, y in drawn[name]:
            plot.dot((x, y), f"{words.condition(name)}, ‖edit‖ / ‖h‖ {x:.2f}: {words.percent(y)}", style, 3.2)
    return {"svg": plot.svg(), "key": key}


def sizes(strength: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each condition that edits neurons with its lambda and size: `{condition, control, strength, size}`."""
    lambdas = {edit.name: strength[edit.name]["strength"] for edit in EDITS if edit.tuned and edit.name in strength}
    return [
        {
            "condition": name,
            "control": record.control is not None,
            "strength": lambdas.get(record.edit.name) if record.edit else None,
            "size": strength["sizes"][name],
        }
        for name in in_order(strength["sizes"])
        for record in (condition(name),)
    ]


def pools(found: Sequence[Pool]) -> dict[str, int] | None:
    """The smallest and the largest pool of the matched control, and how many kept other regions' neurons in."""
    if not found:
        return None
    counts = [pool["latents"] for pool in found]
    return {
        "least": min(counts),
        "most": max(counts),
        "own_only": sum(pool["own_only"] for pool in found),
        "of": len(found),
    }
