"""All pairs within 8 bits among a million 64-bit hashes, beside brute force, faiss's and usearch's binary indexes.

Every way is exact, on one thread, and finds the same pairs. What the others take at a million is their time for
`ASKED` hashes, all hashes' share of it. Where faiss or usearch is not installed their lines are left out:
`pip install faiss-cpu usearch`. What all hashes of a picture cost, tells `benchmarks.looks`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._ratios import Row, in_turns
from culturebench.images.hamming import close_pairs

Hashes = NDArray[np.uint64]
Ask = Callable[[NDArray[np.int64]], int]  # places of the hashes that are asked -> pairs of them, themselves included
MAX_DISTANCE, FRONT, ROUNDS = 8, 3, 2
SIZES = (125_000, 1_000_000)
ASKED = {"usearch": 100, "brute": 200, "flat": 1000, "multi": 1000}
#: Three parts of 21 bits, one of which two hashes within 8 bits share but for 2 bits: the fastest exact one at a
#: million of 3, 4, 5 and 9 parts.
PARTS, PART_BITS, FLIPPED = 3, 21, 2


def draw(n: int) -> Hashes:
    """Distinct ones of n: 2% equal, 5% in clusters of 100 within 8 bits of each other, the rest at random."""
    dice, clusters = np.random.default_rng(0), max(1, n // 2000)
    centres = dice.integers(0, 2**64, clusters, dtype=np.uint64)
    clustered = np.repeat(centres, n // 20 // clusters)
    for _ in range(4):
        clustered ^= np.uint64(1) << dice.integers(0, 64, len(clustered), dtype=np.uint64)
    equal = np.full(n // 50, dice.integers(0, 2**64, dtype=np.uint64))
    rest = dice.integers(0, 2**64, n - len(clustered) - len(equal), dtype=np.uint64)
    return np.unique(np.concatenate([equal, clustered, rest]))


def ours(hashes: Hashes) -> int:
    """How many pairs are close."""
    return sum(len(first) for first, _ in close_pairs(hashes, MAX_DISTANCE))


def sorts(hashes: Hashes) -> None:
    """The floor: the one sort that every table of `close_pairs` needs."""
    for _ in range(comb(MAX_DISTANCE + FRONT, FRONT)):
        np.sort(hashes[::-1])


def others(hashes: Hashes, largest: int) -> dict[str, tuple[str, Ask]]:
    """Name -> what it is, and how it is asked; `largest` is the most hashes that are close to one."""

    def brute(places: NDArray[np.int64]) -> int:
        return sum(int((np.bitwise_count(hashes[place] ^ hashes) <= MAX_DISTANCE).sum()) for place in places)

    found: dict[str, tuple[str, Ask]] = {"brute": ("brute force in NumPy", brute)}
    octets = hashes.view(np.uint8).reshape(-1, 8)
    if find_spec("faiss"):
        import faiss  # pyright: ignore[reportMissingImports]  # not one of our dependencies

        library: Any = faiss
        library.omp_set_num_threads(1)
        flat, multi = library.IndexBinaryFlat(64), library.IndexBinaryMultiHash(64, PARTS, PART_BITS)
        multi.nflip = FLIPPED
        for name, index in {"flat": flat, "multi": multi}.items():
            index.add(octets)
            what = f"faiss {version('faiss-cpu')}'s `{type(index).__name__}`"
            found[name] = (what, partial(_in_faiss, index, octets))
    if find_spec("usearch"):
        import usearch.index  # pyright: ignore[reportMissingImports]  # not one of our dependencies

        search: Any = usearch.index

        def nearest(places: NDArray[np.int64]) -> int:
            options = {"metric": search.MetricKind.Hamming, "exact": True, "threads": 1}
            return int((search.search(octets, octets[places], largest, **options).distances <= MAX_DISTANCE).sum())

        found["usearch"] = (f"usearch {version('usearch')}'s exact search of the nearest {largest}", nearest)
    return found


def _in_faiss(index: Any, octets: NDArray[np.uint8], places: NDArray[np.int64]) -> int:
    ends, _, _ = index.range_search(octets[places], MAX_DISTANCE + 1)  # strictly below
    return int(ends[-1])


def rows() -> Iterator[Row]:
    """Each other way beside ours at each size, then the floor."""
    for n in SIZES:
        hashes = draw(n)
        work = f"all pairs within {MAX_DISTANCE} bits of {n:,} hashes of 64 bits"
        near = close_to(hashes)
        for name, (peer, ask) in others(hashes, int(near.max()) + 1).items():
            places = np.random.default_rng(1).choice(len(hashes), ASKED[name], replace=False)
            assert ask(places) == near[places].sum() + len(places), f"{name} finds other pairs"
            times = in_turns({"ours": partial(ours, hashes), "theirs": partial(ask, places)}, ROUNDS)
            whole = [seconds * len(hashes) / len(places) for seconds in times["theirs"]]
            note = f"exact; theirs from {len(places)} hashes, its index made before"
            yield Row(work, peer, times["ours"], whole, note=note)
            print(f"{n:,} hashes, {name}: done", file=sys.stderr, flush=True)
        times = in_turns({"ours": partial(ours, hashes), "floor": partial(sorts, hashes)}, ROUNDS)
        yield Row(work, "the floor: the sorts alone", times["ours"], times["floor"])


def close_to(hashes: Hashes) -> NDArray[np.int64]:
    """How many others each of the hashes (n,) is close to, by `close_pairs`."""
    count = np.zeros(len(hashes), dtype=np.int64)
    for first, second in close_pairs(hashes, MAX_DISTANCE):
        count += np.bincount(np.concatenate([first, second]), minlength=len(hashes))
    return count
