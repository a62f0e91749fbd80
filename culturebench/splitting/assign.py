"""Sides for pictures that hang together by keys that they share: near-duplicates, source pages, equal noun captions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from culturebench.splitting.groups import Groups

BRIDGES = "bridges_splits"


@dataclass(frozen=True)
class Placed:
    """A picture's side and the group it went with; `side` is empty when the picture bridges two sides."""

    side: str
    group: str


def assign(
    keys_of: Mapping[str, Sequence[str]],
    frozen: Mapping[str, str],
    parts: Mapping[str, int],
    salt: str,
    bound: Sequence[tuple[str, str]] = (),
) -> dict[str, Placed]:
    """A place for every picture of `keys_of` (picture id -> names of what it shares with others).

    `frozen` maps picture ids to sides that never change. `bound` are keys and the side that a frozen
    picture outside of `keys_of` gave them. A group without a frozen picture goes where the hash of its
    smallest picture id falls among `parts`.

    Free pictures join one by one in the order of their ids; one that would join two sides is left out,
    so that the others keep theirs.
    """
    groups = Groups()
    for key, side in sorted(bound):
        groups.claim([key], side)
    for picture in sorted(keys_of.keys() & frozen.keys()):
        groups.claim(keys_of[picture], frozen[picture])
    members: dict[str, list[str]] = {}
    left_out: list[str] = []
    for picture in sorted(keys_of.keys() - frozen.keys()):
        if groups.join(keys_of[picture]):
            members[picture] = list(keys_of[picture])
        else:
            left_out.append(picture)
    smallest: dict[str, str] = {}
    for picture in sorted([*members, *(keys_of.keys() & frozen.keys())]):
        smallest.setdefault(groups.root(keys_of[picture][0]), picture)
    placed = {picture: Placed("", picture) for picture in left_out}
    for picture in members:
        root = groups.root(keys_of[picture][0])
        placed[picture] = Placed(groups.side(root) or _by_hash(smallest[root], parts, salt), smallest[root])
    for picture in keys_of.keys() & frozen.keys():
        placed[picture] = Placed(frozen[picture], smallest[groups.root(keys_of[picture][0])])
    return placed


def _by_hash(group: str, parts: Mapping[str, int], salt: str) -> str:
    digest = hashlib.sha256(f"{salt}/{group}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64 * sum(parts.values())
    edge = 0.0
    for side, size in parts.items():
        edge += size
        if point < edge:
            return side
    raise AssertionError("a point below the sum of all parts")
