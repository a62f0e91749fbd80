"""All pairs within 8 bits among a million 64-bit hashes, beside brute force, with the curve to ten million.

What all hashes of a picture cost, at the limits of `params.yaml`, tells `benchmarks.looks`.

`python -m benchmarks.duplicates` prints seconds, memory and pairs for growing numbers of hashes, the time of brute
force as extrapolated from a sample that also checks what was found, and the floor: one sort for every table. A
million holds 20,000 equal hashes and 50,000 in clusters; `--one-cluster` puts these 50,000 into a single one.
"""

from __future__ import annotations

import argparse
import resource
import time
from math import comb

import numpy as np
from numpy.typing import NDArray

from culturebench.images.grouping import Union
from culturebench.images.hamming import close_pairs

Hashes = NDArray[np.uint64]
MAX_DISTANCE, CHECKED, FRONT = 8, 200, 3


def draw(n: int, clusters: int) -> Hashes:
    """2% equal, 5% in clusters whose members are within 8 bits of each other, the rest at random."""
    dice = np.random.default_rng(0)
    centres = dice.integers(0, 2**64, clusters, dtype=np.uint64)
    clustered = np.repeat(centres, n // 20 // clusters)
    for _ in range(4):
        clustered ^= np.uint64(1) << dice.integers(0, 64, len(clustered), dtype=np.uint64)
    equal = np.full(n // 50, dice.integers(0, 2**64, dtype=np.uint64))
    rest = dice.integers(0, 2**64, n - len(clustered) - len(equal), dtype=np.uint64)
    return np.concatenate([equal, clustered, rest])


def search(every: Hashes, exact: bool) -> tuple[float, float, int, NDArray[np.int64]]:
    """Seconds by the clock and of one core, pairs heard of, and the pairs (m, 2) of the first distinct hashes."""
    started, computed = time.perf_counter(), time.process_time()
    hashes = np.unique(every)  # equal ones are one
    union, heard = Union(len(hashes)), 0
    checked: list[NDArray[np.int64]] = [np.empty((0, 2), dtype=np.int64)]
    for first, second in close_pairs(hashes, MAX_DISTANCE, None if exact else union.labels):
        heard += len(first)
        union.join(first, second)
        if exact:
            low = np.minimum(first, second) < CHECKED
            checked.append(np.stack([first[low], second[low]], axis=1))
    return time.perf_counter() - started, time.process_time() - computed, heard, np.concatenate(checked)


def brute_force(hashes: Hashes) -> tuple[float, int]:
    """Seconds for all hashes, from the first ones against all, and how many pairs these have."""
    started = time.process_time()
    pairs = sum(
        int((np.bitwise_count(hashes[row] ^ hashes[row + 1 :]) <= MAX_DISTANCE).sum()) for row in range(CHECKED)
    )
    return (time.process_time() - started) / CHECKED * len(hashes) / 2, pairs


def main() -> None:
    """Print one line for each number of hashes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-hashes", type=int, default=1_000_000, help="hashes of the largest run")
    parser.add_argument("--one-cluster", action="store_true", help="5%% of the hashes in one cluster, joined as found")
    arguments = parser.parse_args()
    curve: list[tuple[int, float]] = []
    for n in (arguments.max_hashes // 8, arguments.max_hashes // 4, arguments.max_hashes // 2, arguments.max_hashes):
        every = draw(n, 1 if arguments.one_cluster else max(1, n // 2000))
        seconds, computed, heard, checked = search(every, exact=not arguments.one_cluster)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        plain, pairs = brute_force(np.unique(every))
        right = "" if arguments.one_cluster else f", sample {'equal' if pairs == len(checked) else 'DIFFERENT'}"
        started = time.process_time()
        np.sort(every)
        floor = (time.process_time() - started) * comb(MAX_DISTANCE + FRONT, FRONT)
        spent = f"{seconds:6.1f} s ({computed:.1f} s of one core), {memory:.2f} GiB"
        print(f"{n:>9,} hashes: {spent}, {heard:,} pairs{right}", flush=True)
        print(
            f"          brute force takes {plain / computed:.0f} times as long, the sorts alone {floor / computed:.2f}"
        )
        curve.append((n, computed))
    sizes, times = np.log(np.array(curve)[1:]).T
    power = float(np.polyfit(sizes, times, 1)[0])
    ten = curve[-1][1] * 10**power
    print(f"{10 * curve[-1][0]:,} hashes, extrapolated as n^{power:.2f}: {ten:.0f} s of one core; memory grows with n")


if __name__ == "__main__":
    main()
