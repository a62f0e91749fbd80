"""Sets of ties that grow together, each with at most one side that it may join."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


class Ties:
    """Union-find over the names of ties; a set knows the sides that frozen pictures gave it."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._sides: dict[str, frozenset[str]] = {}

    def root(self, tie: str) -> str:
        """The tie that stands for the whole set."""
        self._parent.setdefault(tie, tie)
        while self._parent[tie] != tie:
            self._parent[tie] = self._parent[self._parent[tie]]
            tie = self._parent[tie]
        return tie

    def side(self, tie: str) -> str:
        """The one side of the set, empty when it has none yet."""
        sides = self._sides.get(self.root(tie), frozenset())
        return min(sides) if len(sides) == 1 else ""

    def claim(self, ties: Sequence[str], side: str) -> None:
        """Bind each tie's set to `side`; a frozen picture does so, and does not merge sets of other sides."""
        for tie in ties:
            root = self.root(tie)
            self._sides[root] = self._sides.get(root, frozenset()) | {side}
        for one, other in pairwise(ties):
            if self._sides[self.root(one)] == self._sides[self.root(other)]:
                self._merge(one, other)

    def join(self, ties: Sequence[str]) -> bool:
        """Merge the ties' sets, unless they lie on two sides: then nothing changes and the answer is False."""
        sides = frozenset[str]().union(*(self._sides.get(self.root(tie), frozenset()) for tie in ties))
        if len(sides) > 1:
            return False
        for one, other in pairwise(ties):
            self._merge(one, other)
        return True

    def _merge(self, one: str, other: str) -> None:
        kept, gone = sorted((self.root(one), self.root(other)))
        if kept != gone:
            self._parent[gone] = kept
            self._sides[kept] = self._sides.get(kept, frozenset()) | self._sides.pop(gone, frozenset())
