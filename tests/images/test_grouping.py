"""Groups grow by pairs in any order, and each ends with keepers that its members resemble."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from culturebench.images.grouping import Copies, Union, thin_out


def joined(n: int, pairs: list[tuple[int, int]]) -> Union:
    union = Union(n)
    for one, other in pairs:
        union.join(np.array([one]), np.array([other]))
    return union


def copies_of(pairs: list[tuple[int, int]], regions: list[int]) -> Copies:
    known = {frozenset(pair) for pair in pairs}

    def resembles(one: int, others: np.ndarray) -> np.ndarray:
        return np.array([frozenset((one, int(other))) in known for other in others], dtype=bool)

    return thin_out(joined(len(regions), pairs), resembles, np.array(regions, dtype=np.int64))


def keepers_of(n: int, pairs: list[tuple[int, int]]) -> list[int]:
    return copies_of(pairs, [0] * n).keepers.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_the_connected_components_in_whatever_parts_the_pairs_come(seed: int):
    dice = np.random.default_rng(seed)
    first, second = dice.integers(0, 300, (2, 200))
    union = Union(300)
    for part in np.array_split(np.arange(200), seed + 1):
        union.join(first[part], second[part])
    graph = coo_array((np.ones(200), (first, second)), shape=(300, 300))
    component = connected_components(graph, directed=False)[1]
    smallest = np.array([np.flatnonzero(component == label)[0] for label in component])
    assert np.array_equal(union.labels, smallest)
    sizes = np.bincount(component)
    assert sorted(map(len, union.groups())) == sorted(sizes[sizes > 1].tolist())


def test_a_chain_never_joins_what_does_not_resemble_its_keeper():
    assert keepers_of(4, [(0, 1), (1, 2), (2, 3)]) == [0, 0, 2, 2]


def test_the_best_picture_becomes_the_keeper():
    assert keepers_of(3, [(1, 2), (0, 2), (0, 1)]) == [0, 0, 0]
    assert keepers_of(5, [(3, 4), (1, 3)]) == [0, 1, 2, 1, 4]


def test_without_pairs_everyone_stays():
    assert keepers_of(3, []) == [0, 1, 2]
    assert keepers_of(0, []) == []


def test_each_region_keeps_its_own_copy_and_the_copies_are_one_group():
    found = copies_of([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], [5, 7, 5, 7])
    assert found.keepers.tolist() == [0, 1, 0, 1]
    assert found.groups.tolist() == [0, 0, 0, 0]


def test_copies_that_stay_in_two_regions_are_one_group_though_better_ones_stand_between_them():
    # 0 and 3 are of one region, 1 and 2 of another; 2 resembles 3 and not 0, so both stay beside 0 and 1.
    found = copies_of([(0, 1), (1, 3), (2, 3)], [0, 1, 1, 0])
    assert found.keepers.tolist() == [0, 1, 2, 3]
    assert found.groups.tolist() == [0, 0, 0, 0]


def test_a_copy_that_leaves_joins_no_two_that_stay():
    # 1 and 2 are of one region: 2 goes in favour of 1, and what resembled 2 alone stays by itself.
    found = copies_of([(0, 1), (1, 2), (2, 3)], [0, 1, 1, 2])
    assert found.keepers.tolist() == [0, 1, 1, 3]
    assert found.groups.tolist() == [0, 0, 0, 3]
