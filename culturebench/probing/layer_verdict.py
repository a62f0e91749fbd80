"""Which layer a probe goes on with, why, and who says otherwise, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from culturebench.errors import CultureBenchError
from culturebench.probing.layer_rule import Ruled
from culturebench.probing.layers import LayerTest
from culturebench.probing.pairs import DECIDES


class LayerError(CultureBenchError):
    """An encoder in which no layer stands out, while params name none to go on with."""


@dataclass(frozen=True)
class Verdict:
    """The 0-based layer, whether the data marked it, what marked it or why nothing did, and who marks another."""

    layer: int
    significant: bool
    said: str
    disagreement: str


def verdict(
    ruled: Ruled, direction: str, pairs: int, min_pairs: int, test: LayerTest, when_none: str | int, upstream: int
) -> Verdict:
    """The layer to go on with; `LayerError` where nothing is marked and `when_none` names no layer up to `upstream`."""
    curve = ruled.curves.get((DECIDES, direction))
    layer = curve.layer if curve is not None and pairs >= min_pairs else None
    if layer is not None:
        said = f"{named(layer).capitalize()} is marked: beyond {test.alpha:g} by sign flips and by placebo modifiers."
        return Verdict(layer, True, said, disagreement(ruled.marks(direction), layer))
    reason = why_none(ruled, direction, pairs, min_pairs, test)
    if not isinstance(when_none, int):
        shown = "" if curve is None else f" Delta CA by layer: {', '.join(f'{value:.4f}' for value in curve.delta)}."
        raise LayerError(
            f"no layer is marked: {reason}.{shown} Try another probe_layers.direction, or name a layer in "
            "probe_layers.when_none"
        )
    if not 0 <= when_none <= upstream:
        raise LayerError(f"probe_layers.when_none: {when_none} is no layer that the backbone sees; 0 to {upstream} are")
    said = f"No layer is marked: {reason}. probe_layers.when_none names {named(when_none)}."
    return Verdict(when_none, False, said, disagreement(ruled.marks(direction), None))


def why_none(ruled: Ruled, direction: str, pairs: int, min_pairs: int, test: LayerTest) -> str:
    """Why the reference that decides marks no layer."""
    curve = ruled.curves.get((DECIDES, direction))
    if curve is None:
        return "no pair has a neutral caption, and no other reference decides"
    if pairs < min_pairs:
        return f"{pairs} pairs have a neutral caption, probe_layers.min_pairs asks for {min_pairs}"
    if direction not in ruled.placebos:
        return (
            "no region has placebo modifiers of the cultural ones' length in tokens (`placebo_modifiers` in "
            "annotations/regions/, probe_layers.max_length_ratio)"
        )
    if np.isnan(curve.p).all():
        return "one layer alone has no neighbour to stand above"
    flips, placebos = curve.p <= test.alpha, ruled.placebo_p[direction] <= test.alpha
    if not (flips & placebos).any():
        return (
            f"none is beyond {test.alpha:g} by both tests (sign flips: {_layers(flips)}; placebo modifiers: "
            f"{_layers(placebos)})"
        )
    return f"none of those beyond both tests has a delta CA above 0 and an excess above {test.min_excess:g}"


def disagreement(marks: Mapping[str, int | None], layer: int | None) -> str:
    """Which references mark another layer than the one that decides; empty when none does."""
    others = {reference: mark for reference, mark in marks.items() if reference != DECIDES and mark != layer}
    if not others:
        return ""
    told = ", ".join(f"{name} marks {named(mark)}" for name, mark in others.items())
    return f"References disagree: {told}."


def named(layer: int | None) -> str:
    """A layer by its index, or that there is none."""
    return "no layer" if layer is None else f"the layer of index {layer}"


def _layers(which: NDArray[np.bool_]) -> str:
    return ", ".join(f"index {layer}" for layer in np.flatnonzero(which)) or "none"
