"""From pairs that come and go to groups with one keeper a region; what is held grows with the pictures alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Indices = NDArray[np.int64]
#: Whether each of the pictures (m,) is a direct duplicate of the one.
Resembles = Callable[[int, Indices], NDArray[np.bool_]]


class Union:
    """Groups of n pictures that only ever grow together; `labels` (n,) holds the smallest index of each one's group."""

    def __init__(self, n: int) -> None:
        self.labels: Indices = np.arange(n)

    def join(self, first: Indices, second: Indices) -> None:
        """Put each first picture's group and its second's together; `labels` changes in place."""
        first, second = self.labels[first], self.labels[second]
        apart = first != second
        if not apart.any():
            return
        nodes, places = np.unique(np.concatenate([first[apart], second[apart]]), return_inverse=True)
        edges = places.reshape(2, -1)
        graph = coo_array((np.ones(edges.shape[1], dtype=np.int8), (edges[0], edges[1])), shape=(len(nodes),) * 2)
        component = connected_components(graph, directed=False)[1]
        smallest = np.full(len(nodes), len(self.labels))
        np.minimum.at(smallest, component, nodes)
        new = np.arange(len(self.labels))
        new[nodes] = smallest[component]
        self.labels[:] = new[self.labels]

    def groups(self) -> Iterator[Indices]:
        """The members of every group of two or more, in order."""
        order = np.argsort(self.labels, kind="stable")
        edges = np.flatnonzero(np.diff(self.labels[order], prepend=-1, append=-1))
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if stop - start > 1:
                yield order[start:stop]


@dataclass(frozen=True)
class Copies:
    """What is left of the copies among n pictures: (n,) each.

    `keepers` is the picture of the same region that stays in each one's stead, itself when it stays. `groups` is one
    number for all that hang together by direct copies among those that stay, over all regions.
    """

    keepers: Indices
    groups: Indices


def thin_out(union: Union, resembles: Resembles, regions: Indices) -> Copies:
    """Keep one picture of each region of every group; the best have the low numbers, `regions` (n,) are numbered.

    A guard against chains: among a region's pictures of a group the best keeps its direct duplicates alone, then the
    best of the rest, so that no row of small changes ever joins two pictures that do not resemble each other.
    """
    stays = np.arange(len(union.labels))
    copies: list[tuple[Indices, Indices]] = []
    for members in union.groups():
        two = len(members) == 2  # joined by nothing but themselves, so they are copies
        direct = _joined if two else resembles
        for region in np.unique(regions[members]):
            _keep_one(members[regions[members] == region], direct, stays)
        kept = members[stays[members] == members]
        for place, one in enumerate(kept[:-1].tolist()):
            same = kept[place + 1 :][direct(one, kept[place + 1 :])]
            copies.append((np.full_like(same, one), same))
    across = Union(len(stays))
    if copies:
        across.join(*(np.concatenate(side) for side in zip(*copies, strict=True)))
    return Copies(stays, across.labels[stays])


def _joined(one: int, others: Indices) -> NDArray[np.bool_]:
    return np.ones(len(others), dtype=np.bool_)


def _keep_one(waiting: Indices, resembles: Resembles, stays: Indices) -> None:
    while len(waiting) > 1:
        best, waiting = int(waiting[0]), waiting[1:]
        same = resembles(best, waiting)
        stays[waiting[same]] = best
        waiting = waiting[~same]
