"""All pairs of pictures whose hashes are close: exact, by comparing everything with everything in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK_CELLS = 8_000_000


@dataclass(frozen=True)
class Pairs:
    """Candidate pairs as parallel arrays: view `view` of picture `first` resembles `second` (or its mirror image)."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    view: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    distance: NDArray[np.int64]  # bits

    def __len__(self) -> int:
        return len(self.first)


def close_pairs(views: NDArray[np.uint64], mirrored: NDArray[np.uint64], max_distance: int) -> Pairs:
    """Every unordered pair within `max_distance` bits, once, in its closest reading.

    `views` is (n, views) with the whole picture's hash first, `mirrored` (n,) the mirror images'.
    A pair is close when any view of one is close to the whole of the other or to its mirror image.
    Time grows with n²: about 20 s at 30,000 pictures.
    """
    count = len(views)
    block = max(1, _BLOCK_CELLS // max(1, count))
    starts = range(0, count, block)
    found = [_block(views, mirrored, start, min(start + block, count), max_distance) for start in starts]
    rows = np.concatenate(found) if found else np.empty((0, 5), dtype=np.int64)
    rows = _one_reading_a_pair(rows)
    return Pairs(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3].astype(bool), rows[:, 4])


def _block(
    views: NDArray[np.uint64], mirrored: NDArray[np.uint64], start: int, stop: int, max_distance: int
) -> NDArray[np.int64]:
    best = np.full((stop - start, len(views)), 255, dtype=np.uint8)
    reading = np.zeros(best.shape, dtype=np.uint8)
    for view in range(views.shape[1]):
        for flip, whole in enumerate((views[:, 0], mirrored)):
            distance = np.bitwise_count(views[start:stop, view, None] ^ whole[None, :])
            closer = distance < best
            best[closer] = distance[closer]
            reading[closer] = 2 * view + flip
    first, second = np.nonzero(best <= max_distance)
    kept = first + start != second
    first, second = first[kept], second[kept]
    how, bits = reading[first, second].astype(np.int64), best[first, second].astype(np.int64)
    return np.stack([first + start, second, how // 2, how % 2, bits], axis=1)


def _one_reading_a_pair(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    low, high = np.minimum(rows[:, 0], rows[:, 1]), np.maximum(rows[:, 0], rows[:, 1])
    order = np.lexsort((rows[:, 0], rows[:, 4], high, low))
    rows, low, high = rows[order], low[order], high[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return rows[first]
