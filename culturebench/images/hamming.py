"""Every pair of 64-bit hashes within a Hamming distance: exact, in memory that does not grow with the pairs.

Multi-index hashing (Norouzi, Punjani, Fleet 2012) by sorting. A hash is cut into `max_distance + k` blocks, so two
close hashes agree in at least k of them. For every choice of k blocks the hashes are sorted with those in front,
and only hashes with the same front are compared: moving blocks about changes no distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, pairwise
from math import comb
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
HashPairs = Iterator[tuple[Hashes, Hashes]]
_Number = TypeVar("_Number", bound=np.generic)

BITS = 64
_HELD = 1 << 20  # pairs compared, and pairs collected, at a time
LONG = 512  # a run of equal fronts from here on is compared as a matrix
_MAX_FRONT = 6


def close_pairs(hashes: Hashes, max_distance: int, labels: Indices | None = None) -> Iterator[tuple[Indices, Indices]]:
    """Blocks of index pairs (first, second) within `max_distance` bits, each pair once, in no special order.

    `hashes` are distinct and sorted, as from `np.unique`. Pairs of one label may be left out when `labels` (n,) are
    given; the caller may change them between two blocks: who joins groups need not hear of what is joined already.
    """
    labels = np.arange(len(hashes)) if labels is None else labels
    count = _front_blocks(len(hashes), max_distance)
    for front in combinations(range(max_distance + count), count):
        layout = _layout(max_distance + count, front)
        moved = np.sort(_move(hashes, layout.pieces))
        found = _table(moved, layout, max_distance, hashes, labels)
        for first, second in collected(found):
            yield _places(first, layout, hashes), _places(second, layout, hashes)


def _front_blocks(n: int, max_distance: int) -> int:
    """How many blocks in front cost least; a sort of n hashes counts as 8 n comparisons."""

    def work(count: int) -> float:
        agreeing = BITS * count / (max_distance + count)
        return comb(max_distance + count, count) * (8 * n + n * n / 2 ** (1 + agreeing))

    return min(range(0 if max_distance else 1, _MAX_FRONT + 1), key=work)


@dataclass(frozen=True)
class _Layout:
    """How blocks are moved: pieces (from, to, width) in bits from the highest, and what a front leaves to check."""

    pieces: list[tuple[int, int, int]]
    front_bits: int
    earlier: list[np.uint64]  # moved masks of the blocks before the last one in front that are not in front


def _layout(count: int, front: tuple[int, ...]) -> _Layout:
    edges = list(pairwise(round(BITS * place / count) for place in range(count + 1)))
    pieces: list[tuple[int, int, int]] = []
    earlier: list[np.uint64] = []
    place = 0
    for block in [*front, *(block for block in range(count) if block not in front)]:
        start, width = edges[block][0], edges[block][1] - edges[block][0]
        pieces.append((start, place, width))
        if front and block < front[-1] and block not in front:
            earlier.append(np.uint64(((1 << width) - 1) << (BITS - width - place)))
        place += width
    return _Layout(pieces, sum(edges[block][1] - edges[block][0] for block in front), earlier)


def _move(values: Hashes, pieces: list[tuple[int, int, int]]) -> Hashes:
    moved = np.zeros_like(values)
    for start, place, width in pieces:
        rest = np.uint64(BITS - width)
        moved |= ((values << np.uint64(start)) >> rest) << (rest - np.uint64(place))
    return moved


def _places(moved: Hashes, layout: _Layout, hashes: Hashes) -> Indices:
    """Where the original of each moved hash stands."""
    return np.searchsorted(hashes, _move(moved, [(place, start, width) for start, place, width in layout.pieces]))


def _table(moved: Hashes, layout: _Layout, max_distance: int, hashes: Hashes, labels: Indices) -> HashPairs:
    """Close pairs with equal fronts; a pair that agrees in more blocks counts for its first front alone."""
    rest = np.uint64(BITS - layout.front_bits)
    changes = np.flatnonzero((moved[1:] ^ moved[:-1]) >> rest) + 1 if layout.front_bits else np.empty(0, dtype=np.int64)
    edges = np.concatenate([[0], changes, [len(moved)]]).astype(np.int64)
    long = np.flatnonzero(np.diff(edges) >= LONG)
    parts = [_neighbours(moved, edges, max_distance)]
    for start, stop in zip(edges[long].tolist(), edges[long + 1].tolist(), strict=True):
        run = moved[start:stop]
        parts.append(_matrix(run, max_distance, _places(run, layout, hashes), labels))
    for first, second in chain.from_iterable(parts):
        differing = first ^ second
        own = np.ones(len(first), dtype=bool)
        for mask in layout.earlier:
            own &= differing & mask != 0
        yield first[own], second[own]


def _neighbours(moved: Hashes, edges: Indices, max_distance: int) -> HashPairs:
    """Close pairs within the short runs that begin at `edges`."""
    lengths = np.diff(edges)
    after = np.repeat(edges[1:], lengths) - np.arange(len(moved)) - 1  # members of the run behind each
    after[np.repeat(lengths >= LONG, lengths)] = 0
    here = np.flatnonzero(after)
    after = after[here]
    for gap in range(1, LONG):
        if not len(here):
            return
        first, second = moved[here], moved[here + gap]
        close = np.bitwise_count(first ^ second) <= max_distance
        yield first[close], second[close]
        more = after > gap
        here, after = here[more], after[more]


def _matrix(run: Hashes, max_distance: int, places: Indices, labels: Indices) -> HashPairs:
    """Close pairs of a long run, except between equal labels; these are looked at again after every part."""
    while len(run) > 1:
        order = np.argsort(labels[places], kind="stable")
        run, places = run[order], places[order]
        known = labels[places]
        ends = np.searchsorted(known, known, side="right")  # of the members that one is not compared with
        if ends[0] == len(run):
            return
        height = max(1, _HELD // len(run))
        close = np.bitwise_count(run[:height, None] ^ run[None, ends[0] :]) <= max_distance
        close &= np.arange(ends[0], len(run)) >= ends[:height, None]
        one, other = np.nonzero(close)
        yield run[one], run[ends[0] :][other]
        run, places = run[height:], places[height:]


def collected(
    parts: Iterator[tuple[NDArray[_Number], NDArray[_Number]]],
) -> Iterator[tuple[NDArray[_Number], NDArray[_Number]]]:
    """The same pairs in fewer and larger parts."""
    held: list[tuple[NDArray[_Number], NDArray[_Number]]] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part[0])
        if size >= _HELD:
            yield _joined(held)
            held, size = [], 0
    if size:
        yield _joined(held)


def _joined(held: list[tuple[NDArray[_Number], NDArray[_Number]]]) -> tuple[NDArray[_Number], NDArray[_Number]]:
    return np.concatenate([first for first, _ in held]), np.concatenate([second for _, second in held])
