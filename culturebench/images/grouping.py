"""From duplicate pairs to groups with one keeper each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def stars(order: Sequence[int], pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """For every picture of `order` (best keeper first) the picture that stays in its stead, itself when it stays.

    Every member is a direct duplicate of its keeper: a chain of small changes never joins two pictures
    that do not resemble each other.
    """
    neighbours: dict[int, list[int]] = {}
    for one, other in pairs:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    keeper: dict[int, int] = {}
    for picture in order:
        if picture in keeper:
            continue
        keeper[picture] = picture
        for other in neighbours.get(picture, ()):
            keeper.setdefault(other, picture)
    return keeper
