"""Which pictures are the same one: by hashes with a closer look, and, where asked for, by embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from culturebench.images.crossing import close_to_few
from culturebench.images.difference import Pairs, alike
from culturebench.images.grouping import Copies, Union, thin_out
from culturebench.images.hamming import close_pairs
from culturebench.images.hashing import Fingerprint

Indices = NDArray[np.int64]
PicturePairs = Iterator[tuple[Indices, Indices]]

_HELD = 1 << 20  # pairs expanded, and similarities computed, at a time
_LOOKED_AT = 4096  # pairs looked at closely before what they join is left out of the rest


class Limits(Protocol):
    """The keys of the section `deduplicate` that a `HashMatcher` reads; culturebench/params/deduplicate.py tells."""

    max_hash_distance: int
    max_crop_distance: int
    max_difference: float
    max_colourless_difference: float
    max_watermark_difference: float


class Matcher(Protocol):
    """One way to tell that two pictures are the same one."""

    def candidates(self, labels: Indices) -> PicturePairs:
        """Blocks of picture pairs worth a look, of one label or a pair twice at times; `labels` change meanwhile."""
        ...

    def same(self, first: Indices, second: Indices) -> NDArray[np.bool_]:
        """Whether each pair is the same picture; the order in a pair makes no difference."""
        ...


def find_copies(matchers: Sequence[Matcher], regions: Indices) -> Copies:
    """The pictures that stay for each of n, numbered from the best; `regions` (n,) numbers the region of each."""
    union = Union(len(regions))
    for matcher in matchers:
        for first, second in matcher.candidates(union.labels):
            _join(matcher, union, first, second)

    def resembles(one: int, others: Indices) -> NDArray[np.bool_]:
        return np.logical_or.reduce([matcher.same(np.full_like(others, one), others) for matcher in matchers])

    return thin_out(union, resembles, regions)


def _join(matcher: Matcher, union: Union, first: Indices, second: Indices) -> None:
    """Join the pairs that are the same, a part at a time: within a growing group most need no look."""
    while len(first):
        apart = union.labels[first] != union.labels[second]
        first, second = first[apart], second[apart]
        part = slice(0, _LOOKED_AT)
        same = matcher.same(first[part], second[part])
        union.join(first[part][same], second[part][same])
        first, second = first[_LOOKED_AT:], second[_LOOKED_AT:]


class HashMatcher:
    """One's hash is close to the other's, its mirror image's or a crop's, and little differs once aligned."""

    def __init__(self, prints: Sequence[Fingerprint], limits: Limits) -> None:
        self.views = np.stack([one.views for one in prints])  # (n, views), the whole picture's first
        self.mirrored = np.array([one.mirrored for one in prints], dtype=np.uint64)
        self.thumbnails = np.stack([one.thumbnail for one in prints])
        self.limits = limits

    def candidates(self, labels: Indices) -> PicturePairs:
        """Pairs with two close hashes: of a whole picture and of the other, its mirror image or a crop of it."""
        whole = np.stack([self.views[:, 0], self.mirrored], axis=1)
        yield from _sharing(whole, self.limits.max_hash_distance, labels)
        yield from _cropped(self.views, self.limits.max_crop_distance, labels)

    def same(self, first: Indices, second: Indices) -> NDArray[np.bool_]:
        """Within the hash distance in the closest reading, and within one of the differences there."""
        low, high = np.minimum(first, second), np.maximum(first, second)
        pairs, distance = self.closest_reading(low, high)
        allowed = np.where(pairs.view == 0, self.limits.max_hash_distance, self.limits.max_crop_distance)
        close = np.flatnonzero(distance <= allowed)
        result = np.zeros(len(first), dtype=bool)
        limits = self.limits
        each = (limits.max_difference, limits.max_colourless_difference, limits.max_watermark_difference)
        result[close] = alike(self.thumbnails, pairs.chosen(close), each)
        return result

    def closest_reading(self, low: Indices, high: Indices) -> tuple[Pairs, NDArray[np.uint8]]:
        """Which picture or crop of it resembles the other or its mirror image, and by how many bits it is off.

        The best by what the limits leave: crops are many, so one of them is sooner close by chance.
        """
        crops = self.views.shape[1] - 1
        distance = np.concatenate(
            [
                np.bitwise_count(self.views[low] ^ self.views[high, :1]),
                np.bitwise_count(self.views[high, 1:] ^ self.views[low, :1]),
                np.bitwise_count(self.views[low, :1] ^ self.mirrored[high, None]),
            ],
            axis=1,
        )
        views = np.concatenate([np.arange(crops + 1), np.arange(1, crops + 1), [0]])
        best = (distance - np.where(views == 0, self.limits.max_hash_distance, self.limits.max_crop_distance)).argmin(1)
        turn = (best > crops) & (best <= 2 * crops)
        first, second = np.where(turn, high, low), np.where(turn, low, high)
        return Pairs(first, second, views[best], best > 2 * crops), distance[np.arange(len(low)), best]


class EmbeddingMatcher:
    """The embeddings point the same way; exact, and its time grows with n²."""

    def __init__(self, embeddings: NDArray[np.floating[Any]], min_similarity: float) -> None:
        """`embeddings` (n, d); a row of zeros resembles nothing."""
        length = np.linalg.norm(embeddings, axis=1, keepdims=True)
        self.unit = (embeddings / np.where(length == 0, 1, length)).astype(np.float32)
        self.min_similarity = min_similarity

    def candidates(self, labels: Indices) -> PicturePairs:
        """Pairs of a cosine near the limit."""
        n = len(self.unit)
        height = max(1, _HELD // max(1, n))
        for start in range(0, n, height):
            similar = self.unit[start : start + height] @ self.unit[start:].T >= self.min_similarity - 1e-4
            one, other = np.nonzero(np.triu(similar, 1))
            yield start + one, start + other

    def same(self, first: Indices, second: Indices) -> NDArray[np.bool_]:
        """Of a cosine of at least `min_similarity`."""
        cosine = np.einsum("nd,nd->n", self.unit[first], self.unit[second], dtype=np.float64)
        return cosine >= self.min_similarity


def _sharing(every: NDArray[np.uint64], max_distance: int, labels: Indices) -> PicturePairs:
    """Pairs of pictures with close hashes, one of them in the first column of `every` (n, k)."""
    hashes, places = np.unique(every, return_inverse=True)
    order = np.argsort(places, axis=None, kind="stable")
    owners = order // every.shape[1]  # pictures, those of one hash side by side
    edges = np.searchsorted(places.ravel()[order], np.arange(len(hashes) + 1))
    alone, whole = np.diff(edges) == 1, np.zeros(len(hashes), dtype=bool)
    whole[places.reshape(every.shape)[:, 0]] = True
    one_label = np.where(alone, 0, len(labels) + np.arange(len(hashes)))  # a shared hash has no label of its own
    yield from _owners(np.flatnonzero(whole), np.flatnonzero(whole), edges, owners)
    one_label[alone] = labels[owners[edges[:-1][alone]]]
    for first, second in close_pairs(hashes, max_distance, one_label):
        asked = whole[first] | whole[second]
        yield from _owners(first[asked], second[asked], edges, owners)
        one_label[alone] = labels[owners[edges[:-1][alone]]]


def _cropped(views: NDArray[np.uint64], max_distance: int, labels: Indices) -> PicturePairs:
    """Pairs of pictures where the hash of a crop, all columns but the first, is close to that of the other's whole."""
    whole, places = np.unique(views[:, 0], return_inverse=True)
    owners = np.argsort(places, kind="stable")
    edges = np.searchsorted(places[owners], np.arange(len(whole) + 1))
    alone = np.diff(edges) == 1
    one_label = len(labels) + np.arange(len(whole))  # a shared hash has no label of its own
    one_label[alone] = labels[owners[edges[:-1][alone]]]
    pictures = np.arange(len(views))  # stand behind the hashes as if each had one more
    edges, owners = np.concatenate([edges, edges[-1] + 1 + pictures]), np.concatenate([owners, pictures])
    for hashes, crops in close_to_few(whole, one_label, views[:, 1:], labels, max_distance):
        yield from _owners(hashes, len(whole) + crops // (views.shape[1] - 1), edges, owners)
        one_label[alone] = labels[owners[edges[: -1 - len(views)][alone]]]


def _owners(first: Indices, second: Indices, edges: Indices, owners: Indices) -> PicturePairs:
    """The pictures that have the hashes: all pairs of owners, smaller first, a bounded number at a time."""
    lengths = np.diff(edges)
    ends = np.cumsum(lengths[first] * lengths[second])
    for start in range(0, int(ends[-1]) if len(ends) else 0, _HELD):
        numbers = np.arange(start, min(start + _HELD, int(ends[-1])))
        pair = np.searchsorted(ends, numbers, side="right")
        row, column = np.divmod(
            numbers - (ends[pair] - lengths[first[pair]] * lengths[second[pair]]), lengths[second[pair]]
        )
        one, other = owners[edges[first[pair]] + row], owners[edges[second[pair]] + column]
        low, high = np.minimum(one, other), np.maximum(one, other)
        unique = np.unique(low[low != high] * len(owners) + high[low != high])
        yield unique // len(owners), unique % len(owners)
