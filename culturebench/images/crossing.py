"""Every hash close to one of a few others, in memory that does not grow with the pairs: crops against whole pictures.

Multi-index hashing as in `hamming`, but only the few hashes are sorted by the blocks in front; the many look theirs up.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb

import numpy as np

from culturebench.images.hamming import BITS, LONG, Hashes, Indices, collected

_PART = 1 << 17  # hashes of the many looked up, and pairs of a long run compared, at a time
_MAX_FRONT = 6
_TABLE_BITS = 22  # of a front that tell where to look
IndexPairs = Iterator[tuple[Indices, Indices]]
Blocks = list[tuple[int, int]]  # from and to, in bits from the highest


def close_to_few(few: Hashes, few_labels: Indices, many: Hashes, labels: Indices, max_distance: int) -> IndexPairs:
    """Blocks of index pairs within `max_distance` bits: of `few` (n,) and of `many` (m, k) flattened; each pair once.

    Pairs of one label may be left out, `few_labels` (n,) and `labels` (m,), which may change between two blocks.
    """
    flat = many.ravel()
    count = _front_blocks(len(few), len(flat), max_distance)
    edges = [round(BITS * place / (max_distance + count)) for place in range(max_distance + count + 1)]
    blocks = list(pairwise(edges))
    for front in combinations(range(len(blocks)), count):
        inner = [blocks[block] for block in front]
        earlier = [blocks[block] for block in range(front[-1] if front else 0) if block not in front]
        found = _table(few, few_labels, flat, labels, inner, max_distance)
        for first, second in collected(found):
            differing = few[first] ^ flat[second]
            own = np.ones(len(first), dtype=bool)
            for block in inner:
                own &= _bits(differing, block) == 0
            for block in earlier:  # a pair that agrees in more blocks counts for its first front alone
                own &= _bits(differing, block) != 0
            yield first[own], second[own]


def _front_blocks(few: int, many: int, max_distance: int) -> int:
    """How many blocks in front cost least, counted in comparisons."""

    def work(count: int) -> float:
        fronts = 2 ** min(_TABLE_BITS, BITS * count / (max_distance + count))
        return comb(max_distance + count, count) * (4 * many + 8 * few + fronts + many * few / fronts)

    return min(range(1, _MAX_FRONT + 1), key=work)


def _bits(hashes: Hashes, block: tuple[int, int]) -> Hashes:
    start, stop = block
    return (hashes << np.uint64(start)) >> np.uint64(BITS - stop + start)


def _fronts(hashes: Hashes, inner: Blocks) -> Indices:
    """The first bits of the front, as many as a table of places may be long."""
    result, room = np.zeros_like(hashes), _TABLE_BITS
    for start, stop in inner:
        width = min(stop - start, room)
        room -= width
        if width:
            result = (result << np.uint64(width)) | _bits(hashes, (start, start + width))
    return result.astype(np.int64)


def _table(
    few: Hashes, few_labels: Indices, flat: Hashes, labels: Indices, inner: Blocks, max_distance: int
) -> IndexPairs:
    """Close pairs with equal fronts, as indices."""
    keys = _fronts(few, inner)
    order = np.argsort(keys, kind="stable")
    ordered = few[order]
    bits = min(_TABLE_BITS, sum(stop - start for start, stop in inner))
    starts = np.searchsorted(keys[order], np.arange(2**bits + 1))
    for begin in range(0, len(flat), _PART):
        part = flat[begin : begin + _PART]
        key = _fronts(part, inner)
        first, length = starts[key], starts[key + 1] - starts[key]
        here = np.flatnonzero((length > 0) & (length < LONG))
        for gap in range(LONG):
            if not len(here):
                break
            place = first[here] + gap
            close = np.bitwise_count(ordered[place] ^ part[here]) <= max_distance
            yield order[place[close]], begin + here[close]
            here = here[length[here] > gap + 1]
        long = np.flatnonzero(length >= LONG)
        for one in np.unique(key[long]).tolist():
            run = order[starts[one] : starts[one + 1]]
            yield from _long_run(few, few_labels, run, flat, labels, begin + long[key[long] == one], max_distance)


def _long_run(
    few: Hashes, few_labels: Indices, run: Indices, flat: Hashes, labels: Indices, places: Indices, max_distance: int
) -> IndexPairs:
    """Close pairs of a long run and what shares its front, except between equal labels."""
    owner = places // (len(flat) // len(labels))
    for label in np.unique(labels[owner]).tolist():
        own = places[labels[owner] == label]
        others = run[few_labels[run] != label]
        height = max(1, _PART // max(1, len(others)))
        for start in range(0, len(own) if len(others) else 0, height):
            some = own[start : start + height]
            one, other = np.nonzero(np.bitwise_count(flat[some][:, None] ^ few[others]) <= max_distance)
            yield others[other], some[one]
