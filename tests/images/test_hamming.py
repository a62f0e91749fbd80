"""All pairs within a Hamming distance are those of brute force, also among equal and crowded hashes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from culturebench.images import hamming
from culturebench.images.grouping import Union
from culturebench.images.hamming import close_pairs

Hashes = NDArray[np.uint64]


def ball(dice: np.random.Generator, count: int, bits: int) -> Hashes:
    """Hashes that differ from one in up to `bits` bits each, and from each other in up to twice as many."""
    masks = np.zeros(count, dtype=np.uint64)
    for _ in range(bits):
        masks ^= np.uint64(1) << dice.integers(0, 64, count, dtype=np.uint64)
    return dice.integers(0, 2**64, 1, dtype=np.uint64) ^ masks


def crowd(count: int, seed: int = 0) -> Hashes:
    """Half at random, a quarter each in two balls; distinct and sorted."""
    dice = np.random.default_rng(seed)
    scattered = dice.integers(0, 2**64, count // 2, dtype=np.uint64)
    return np.unique(np.concatenate([scattered, ball(dice, count // 4, 4), ball(dice, count // 4, 4)]))


def brute_force(hashes: Hashes, max_distance: int) -> set[tuple[int, int]]:
    distance = np.bitwise_count(hashes[:, None] ^ hashes)
    first, second = np.nonzero(np.triu(distance <= max_distance, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


def found(hashes: Hashes, max_distance: int, labels: NDArray[np.int64] | None = None) -> list[tuple[int, int]]:
    blocks = close_pairs(hashes, max_distance, labels)
    return [tuple(sorted(pair)) for block in blocks for pair in zip(*(side.tolist() for side in block), strict=True)]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 200, 2400])
@pytest.mark.parametrize("max_distance", [0, 1, 3, 8, 10, 20])
def test_every_close_pair_is_found_once(count: int, max_distance: int):
    hashes = crowd(count, count)
    pairs = found(hashes, max_distance)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == brute_force(hashes, max_distance)


@pytest.mark.parametrize("front", [1, 2, 3])
@pytest.mark.parametrize("long", [2, 20, 512])
def test_neither_the_blocks_in_front_nor_how_runs_are_compared_changes_what_is_found(
    monkeypatch: pytest.MonkeyPatch, front: int, long: int
):
    monkeypatch.setattr(hamming, "_front_blocks", lambda n, max_distance: front)
    monkeypatch.setattr(hamming, "LONG", long)
    monkeypatch.setattr(hamming, "_HELD", 1000)
    hashes = crowd(600)
    pairs = found(hashes, 8)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == brute_force(hashes, 8)


def test_what_is_joined_already_is_passed_over_and_the_groups_stay_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hamming, "_HELD", 1 << 12)
    monkeypatch.setattr(hamming, "LONG", 32)
    hashes = crowd(3000, 1)
    labelled, plain = Union(len(hashes)), Union(len(hashes))
    heard = 0
    for first, second in close_pairs(hashes, 8, labelled.labels):
        heard += len(first)
        labelled.join(first, second)
    every = np.array(sorted(brute_force(hashes, 8)))
    plain.join(*every.T)
    assert np.array_equal(labelled.labels, plain.labels)
    assert heard < len(every) / 4


def test_memory_does_not_grow_with_the_pairs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hamming, "_HELD", 1 << 16)
    hashes = np.unique(ball(np.random.default_rng(3), 4000, 3))
    tracemalloc.start()
    pairs = sum(len(first) for first, _ in close_pairs(hashes, 8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 16 * pairs > 100e6, "bytes of all pairs"
    assert peak < 30e6
