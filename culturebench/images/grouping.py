"""From pairs that come and go to groups with one keeper each; what is held grows with the pictures alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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


def keepers(union: Union, resembles: Resembles) -> Indices:
    """For every picture the one that stays in its stead, itself when it stays; (n,). The best have the low numbers.

    A guard against chains: in each group the best keeps its direct duplicates alone, then the best of the rest, so
    that no row of small changes ever joins two pictures that do not resemble each other.
    """
    stays = np.arange(len(union.labels))
    for waiting in union.groups():
        while len(waiting) > 1:
            best, waiting = int(waiting[0]), waiting[1:]
            same = resembles(best, waiting)
            stays[waiting[same]] = best
            waiting = waiting[~same]
    return stays
