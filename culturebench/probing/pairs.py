"""Pairs of a cultural and a noun prompt, and their cultural attention under every reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturebench.probing.attention import DIRECTIONS, Prompt, Span

if TYPE_CHECKING:
    from culturebench.artifacts._caption import CaptionRow
    from culturebench.artifacts.layer_probe import ProbeRow
    from culturebench.artifacts.splits import SplitRow

Floats = NDArray[np.float64]
#: What is taken from the cultural prompt's attention. The last one decides; the others are the paper's readings.
REFERENCES = ("zero", "context", "neutral_modifier")
DECIDES = "neutral_modifier"


@dataclass(frozen=True)
class Pair:
    """The prompts of one picture in its region's language; `neutral` has a culture-free modifier."""

    picture_id: str
    region: str
    cultural: Prompt
    noun: Prompt
    neutral: Prompt | None

    @property
    def modifier(self) -> str:
        """The words of the cultural modifier."""
        return "" if self.cultural.modifier is None else self.cultural.text[slice(*self.cultural.modifier)]


@dataclass(frozen=True)
class Measured:
    """Table rows (artifact `layer_probe`), and how many pairs stayed out, by reason."""

    rows: list[ProbeRow]
    dropped: dict[str, int]


def pairs_of(rows: Sequence[SplitRow]) -> tuple[list[Pair], dict[str, int]]:
    """The pairs of rows of a split, and how many stayed out since nobody marked their spans, by reason."""
    pairs: list[Pair] = []
    dropped: Counter[str] = Counter()
    for row in rows:
        noun, modifier = _noun(row["cultural"]), _modifier(row["cultural"])
        plain = _noun(row["noun"])
        if noun is None or plain is None:
            dropped["no_noun_span"] += 1
        elif modifier is None:
            dropped["no_modifier_span"] += 1
        else:
            follows = modifier[0] > noun[0]
            pairs.append(
                Pair(
                    picture_id=row["picture_id"],
                    region=row["region"],
                    cultural=Prompt(row["cultural"]["text"], noun, modifier, follows),
                    noun=Prompt(row["noun"]["text"], plain, None, follows),
                    neutral=_neutral(row["neutral"]),
                )
            )
    return pairs, dict(dropped)


def measure(read: Callable[[Sequence[Prompt]], NDArray[np.float64]], pairs: Sequence[Pair]) -> Measured:
    """CA of every pair at every layer, in every direction and under every reference.

    `read` gives the CA of prompts (prompts, directions, layers), as `cultural_attention` does.
    A pair whose spans hold no token (cut off, or one token for both) is dropped as `no_token`; one without
    a neutral prompt is left out of that reference alone.
    """
    neutrals = [pair.neutral for pair in pairs if pair.neutral is not None]
    prompts = [*(pair.cultural for pair in pairs), *(pair.noun for pair in pairs), *neutrals]
    found = read(prompts)
    cultural, noun = found[: len(pairs)], found[len(pairs) : 2 * len(pairs)]
    neutral = np.full_like(cultural, np.nan)
    neutral[[i for i, pair in enumerate(pairs) if pair.neutral is not None]] = found[2 * len(pairs) :]
    usable = np.isfinite(cultural).all(axis=(1, 2)) & np.isfinite(noun).any(axis=(1, 2))
    references = {"zero": np.zeros_like(cultural), "context": noun, "neutral_modifier": neutral}
    rows = [
        row
        for name, values in references.items()
        for i in np.flatnonzero(usable)
        for row in _rows(pairs[i], name, cultural[i], values[i])
    ]
    missed = len(pairs) - int(usable.sum())
    return Measured(rows, {"no_token": missed} if missed else {})


def pictures_of(rows: Sequence[ProbeRow], reference: str, direction: str) -> list[str]:
    """The picture ids of `differences`, in its order."""
    return sorted({r["picture_id"] for r in rows if r["reference"] == reference and r["direction"] == direction})


def both_sides(rows: Sequence[ProbeRow], pairs: Sequence[Pair], layers: int) -> tuple[Floats, Floats]:
    """CA of the cultural and of the neutral prompts, (pairs, directions, layers) each; NaN where there is none."""
    index = {pair.picture_id: i for i, pair in enumerate(pairs)}
    cultural = np.full((len(pairs), len(DIRECTIONS), layers), np.nan)
    neutral = np.full_like(cultural, np.nan)
    for row in rows:
        if row["reference"] == DECIDES:
            at = index[row["picture_id"]], DIRECTIONS.index(row["direction"]), row["layer"]
            cultural[at], neutral[at] = row["cultural"], row["noun"]
    return cultural, neutral


def differences(rows: Sequence[ProbeRow], reference: str, direction: str, layers: int) -> NDArray[np.float64]:
    """CA(P_cult) - CA(P_noun) of measured rows: (pairs, layers), pairs by picture id."""
    chosen = [row for row in rows if row["reference"] == reference and row["direction"] == direction]
    pictures = {picture: i for i, picture in enumerate(pictures_of(rows, reference, direction))}
    found = np.zeros((len(pictures), layers))
    for row in chosen:
        found[pictures[row["picture_id"]], row["layer"]] = row["cultural"] - row["noun"]
    return found


def _rows(pair: Pair, reference: str, cultural: NDArray[np.float64], noun: NDArray[np.float64]) -> list[ProbeRow]:
    return [
        {
            "picture_id": pair.picture_id,
            "region": pair.region,
            "layer": layer,
            "reference": reference,
            "direction": direction,
            "cultural": float(cultural[column, layer]),
            "noun": float(noun[column, layer]),
        }
        for column, direction in enumerate(DIRECTIONS)
        if np.isfinite(noun[column]).all()
        for layer in range(cultural.shape[1])
    ]


def _neutral(caption: CaptionRow | None) -> Prompt | None:
    if caption is None:
        return None
    noun, modifier = _noun(caption), _modifier(caption)
    if noun is None or modifier is None:
        return None
    return Prompt(caption["text"], noun, modifier, modifier[0] > noun[0])


def _noun(caption: CaptionRow) -> Span | None:
    return _span(caption["noun_start"], caption["noun_end"])


def _modifier(caption: CaptionRow) -> Span | None:
    return _span(caption["modifier_start"], caption["modifier_end"])


def _span(start: int, end: int) -> Span | None:
    return (start, end) if 0 <= start < end else None
