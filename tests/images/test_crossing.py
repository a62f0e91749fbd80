"""Hashes close to one of a few others: all that brute force finds, each once, but those known to belong together."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from culturebench.images import crossing
from culturebench.images.crossing import close_to_few

Pairs = set[tuple[int, int]]


def drawn(pictures: int, crops: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes (pictures,), sorted and distinct, and (pictures, crops), in clusters of up to 6 changed bits."""
    dice = np.random.default_rng(seed)
    centres = dice.integers(0, 2**64, max(1, pictures // 10), dtype=np.uint64)
    hashes = centres[dice.integers(len(centres), size=(pictures, crops + 1))]
    for _ in range(6):
        hashes ^= np.uint64(1) << dice.integers(0, 64, hashes.shape, dtype=np.uint64)
    return np.unique(hashes[:, 0]), hashes[:, 1:]


def found(few: np.ndarray, few_labels: np.ndarray, many: np.ndarray, labels: np.ndarray, distance: int) -> Pairs:
    blocks = list(close_to_few(few, few_labels, many, labels, distance))
    pairs = [*chain.from_iterable(zip(first.tolist(), second.tolist(), strict=True) for first, second in blocks)]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def brute_force(few: np.ndarray, many: np.ndarray, distance: int) -> Pairs:
    close = np.bitwise_count(few[:, None] ^ many.ravel()) <= distance
    return set(zip(*(side.tolist() for side in np.nonzero(close)), strict=True))


@pytest.mark.parametrize("long", [2, 20, 512])
@pytest.mark.parametrize(("pictures", "distance"), [(1, 8), (40, 0), (300, 4), (300, 8), (300, 12)])
def test_all_pairs_of_brute_force_are_found_once(
    pictures: int, distance: int, long: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(crossing, "LONG", long)
    monkeypatch.setattr(crossing, "_PART", 700)
    few, many = drawn(pictures, 5, seed=pictures + distance)
    expected = brute_force(few, many, distance)
    assert expected or pictures == 1 or not distance
    assert found(few, np.arange(len(few)), many, len(few) + np.arange(len(many)), distance) == expected


def test_in_long_runs_pairs_of_one_label_are_left_out_and_all_others_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crossing, "LONG", 1)
    few, many = drawn(200, 5, seed=3)
    dice = np.random.default_rng(0)
    few_labels, labels = dice.integers(0, 3, len(few)), dice.integers(0, 3, len(many))
    expected = {(one, crop) for one, crop in brute_force(few, many, 8) if few_labels[one] != labels[crop // 5]}
    assert found(few, few_labels, many, labels, 8) == expected
