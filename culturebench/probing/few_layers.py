"""The few layers at which an edit acts beside the one that a probe marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from culturebench.artifacts.layer_probe import Layer


def few_layers(found: Layer) -> list[int]:
    """The layers of a verdict at which an edit of a few layers acts, in their order.

    All that the deciding curve marks; where that is one alone, the candidate of the next largest delta CA beside it.
    """
    decides = (found["reference"], found["direction"])
    points = [p for p in found["curves"] if p["candidate"] and (p["reference"], p["direction"]) == decides]
    chosen = {found["layer"], *(point["layer"] for point in points if point["marked"])}
    others = sorted((p for p in points if p["layer"] not in chosen), key=lambda p: (-p["delta"], p["layer"]))
    return sorted(chosen if len(chosen) > 1 else {*chosen, *(point["layer"] for point in others[:1])})
