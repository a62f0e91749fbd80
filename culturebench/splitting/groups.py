"""Groups of keys that grow together, each with at most one side that it may join."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


class Groups:
    """Union-find over keys, the names of what pictures share; a group knows the sides that frozen pictures gave it."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._sides: dict[str, frozenset[str]] = {}

    def root(self, key: str) -> str:
        """The key that stands for the whole group."""
        self._parent.setdefault(key, key)
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key

    def side(self, key: str) -> str:
        """The one side of the group, empty when it has none yet."""
        sides = self._sides.get(self.root(key), frozenset())
        return min(sides) if len(sides) == 1 else ""

    def claim(self, keys: Sequence[str], side: str) -> None:
        """Bind each key's group to `side`; a frozen picture does so, and does not merge groups of other sides."""
        for key in keys:
            root = self.root(key)
            self._sides[root] = self._sides.get(root, frozenset()) | {side}
        for one, other in pairwise(keys):
            if self._sides[self.root(one)] == self._sides[self.root(other)]:
                self._merge(one, other)

    def join(self, keys: Sequence[str]) -> bool:
        """Merge the keys' groups, unless they lie on two sides: then nothing changes and the answer is False."""
        sides = frozenset[str]().union(*(self._sides.get(self.root(key), frozenset()) for key in keys))
        if len(sides) > 1:
            return False
        for one, other in pairwise(keys):
            self._merge(one, other)
        return True

    def _merge(self, one: str, other: str) -> None:
        kept, gone = sorted((self.root(one), self.root(other)))
        if kept != gone:
            self._parent[gone] = kept
            self._sides[kept] = self._sides.get(kept, frozenset()) | self._sides.pop(gone, frozenset())
