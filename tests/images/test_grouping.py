"""Groups grow by pairs in any order, and each ends with keepers that its members resemble."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from culturebench.images.grouping import Union, keepers


def joined(n: int, pairs: list[tuple[int, int]]) -> Union:
    union = Union(n)
    for one, other in pairs:
        union.join(np.array([one]), np.array([other]))
    return union


def keepers_of(n: int, pairs: list[tuple[int, int]]) -> list[int]:
    known = {frozenset(pair) for pair in pairs}
    return keepers(
        joined(n, pairs), lambda one, others: np.array([frozenset((one, int(o))) in known for o in others])
    ).tolist()


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
