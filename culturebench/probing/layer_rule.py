"""The rule that marks a culture layer, from attention that was read to the verdict under every reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from culturebench.probing.attention import DIRECTIONS
from culturebench.probing.layers import Curve, Floats, LayerTest, delta_curve
from culturebench.probing.pairs import DECIDES, REFERENCES, Pair, both_sides, differences, pictures_of
from culturebench.probing.placebos import Dealt, Pool, deal, placebo_band, placebo_p

if TYPE_CHECKING:
    from culturebench.artifacts.layer_probe import ProbeRow


@dataclass(frozen=True)
class Band:
    """Delta CA of what culture is compared with, and its range: (layers,) each."""

    delta: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Ruled:
    """The curves by (reference, direction); by direction the p values against placebo words (layers,) and their band.

    A curve of the reference that decides marks what is beyond the sign flips and beyond the placebos; the others'
    marks are those of the flips alone.
    """

    curves: Mapping[tuple[str, str], Curve]
    placebo_p: Mapping[str, Floats]
    placebos: Mapping[str, Band]

    def marks(self, direction: str) -> dict[str, int | None]:
        """Reference -> the layer that it marks."""
        return {
            reference: self.curves[reference, direction].layer
            for reference in REFERENCES
            if (reference, direction) in self.curves
        }


def judge_layers(
    rows: Sequence[ProbeRow],
    pairs: Sequence[Pair],
    compared: Sequence[Pair],
    pool: Pool,
    read: Floats,
    candidates: int,
    test: LayerTest,
) -> Ruled:
    """The verdict on measured rows; `read` is the CA of the pool's prompts (placed, directions, layers).

    `compared` are the pairs that the pool counts, those with a neutral prompt.
    """
    layers = read.shape[2]
    modifier = {pair.picture_id: (pair.region, pair.modifier) for pair in pairs}
    curves: dict[tuple[str, str], Curve] = {}
    for reference in REFERENCES:
        for direction in DIRECTIONS:
            pictures = pictures_of(rows, reference, direction)
            if pictures:
                values = differences(rows, reference, direction, layers)
                groups = [modifier[picture] for picture in pictures]
                curves[reference, direction] = delta_curve(values, groups, candidates, test)
    dealt = deal(compared, pool, *both_sides(rows, compared, layers), read)
    against: dict[str, Floats] = {}
    for direction in DIRECTIONS:
        if (curve := curves.get((DECIDES, direction))) is not None:
            p = _against_placebos(dealt[direction], layers, candidates, test)
            curves[DECIDES, direction] = replace(curve, marked=curve.marked & (p <= test.alpha))
            against[direction] = p
    bands = {name: Band(*placebo_band(regions, test)) for name, regions in dealt.items() if regions}
    return Ruled(curves, against, bands)


def _against_placebos(regions: Sequence[Dealt], layers: int, candidates: int, test: LayerTest) -> Floats:
    """The p values (layers,); NaN, which marks nothing, without placebo words and where a layer is no candidate."""
    found = np.full(layers, np.nan)
    if regions and candidates > 1:
        found[:candidates] = placebo_p(regions, candidates, test)
    return found
