"""Near-duplicates are found, and what merely resembles is left alone; against brute force and imagehash."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import imagehash
import numpy as np
import pytest
from PIL import Image

from culturebench.atlas.pictures import render
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.images.hashing import VIEWS, Fingerprint, fingerprint, phash, without_border
from culturebench.images.matching import EmbeddingMatcher, HashMatcher, Matcher, find_copies
from culturebench.params._base import load_document, load_section
from culturebench.params.deduplicate import Deduplicate
from labelled_duplicates import CHANGES, jpeg, labelled

LIMITS = load_section(Deduplicate, load_document())


def keepers(matchers: list[Matcher], n: int) -> list[int]:
    """Which picture stays for each of n of one region."""
    return find_copies(matchers, np.zeros(n, dtype=np.int64)).keepers.tolist()


def grouped(prints: list[Fingerprint]) -> set[tuple[int, int]]:
    """Pairs of indices (smaller first) that ended in one group."""
    stays = keepers([HashMatcher(prints, LIMITS)], len(prints))
    members: dict[int, list[int]] = {}
    for index, keeper in enumerate(stays):
        members.setdefault(keeper, []).append(index)
    return {pair for group in members.values() for pair in combinations(group, 2)}


def scene(context: int, region: str, seed: int = 0) -> Scene:
    return Scene(*contexts()[context], region=region, subdivision=REGIONS[region][1][0], seed=seed)


@pytest.fixture(scope="module")
def labelled_set() -> tuple[list[Fingerprint], dict[tuple[int, int], str]]:
    pictures, truth = labelled(600, seed=0)
    return [fingerprint(picture) for picture in pictures], truth


@pytest.mark.slow
def test_copies_of_600_pictures_are_found_among_600_that_only_resemble_them(labelled_set):
    prints, truth = labelled_set
    found = grouped(prints)
    right = found & truth.keys()
    missed = Counter(truth[pair] for pair in truth.keys() - found)
    assert len(right) / len(truth) >= 0.97, missed
    assert len(right) / len(found) >= 0.99
    assert set(truth.values()) == set(CHANGES)
    assert all(count <= 0.08 * len(truth) / len(CHANGES) for count in missed.values()), missed


def test_the_same_thing_in_the_same_place_with_another_ornament_is_another_picture():
    dice = np.random.default_rng(1)
    prints: list[Fingerprint] = []
    for context in dice.permutation(len(contexts()))[:12].tolist():
        prints += [fingerprint(render(scene(context, region), 256)) for region in REGIONS]
    assert not grouped(prints)


def test_a_companion_more_or_less_makes_another_picture():
    place = {"place": "sand", "light": "day", "framing": "far", "region": "tr", "subdivision": "iznik", "seed": 3}
    companions = ("none", "tree", "ball", "bird")
    assert not grouped([fingerprint(render(Scene(object="vase", companion=name, **place), 256)) for name in companions])


def test_the_same_carpet_on_another_ground_at_night_is_another_picture():
    seeds = {"sand": 260, "wooden_floor": 233}
    shared = {"object": "carpet", "light": "night", "framing": "close", "companion": "bird"}
    scenes = [
        Scene(place=place, region="de", subdivision="rautenmuster", seed=seed, **shared)
        for place, seed in seeds.items()
    ]
    assert not grouped([fingerprint(render(one, 256)) for one in scenes])


def test_the_hash_is_imagehash_s():
    image = render(scene(5, "jp"), 256)
    assert f"{phash(image):016x}" == str(imagehash.phash(image))
    assert f"{int(fingerprint(image).views[0]):016x}" == str(imagehash.phash(image))


def test_a_border_is_cut_and_a_plain_sky_is_not():
    image = render(scene(5, "jp"), 256)
    assert without_border(image) is image
    framed = Image.new("RGB", (300, 300), (255, 255, 255))
    framed.paste(image, (22, 22))
    assert without_border(framed).size == image.size


def test_the_closest_reading_is_that_of_brute_force():
    prints = [fingerprint(render(scene(context, "tr"), 256)) for context in range(8)]
    low, high = np.triu_indices(8, 1)
    pairs, distance = HashMatcher(prints, LIMITS).closest_reading(low, high)

    def bits(cropped: int, whole: int, view: int, flip: bool) -> int:
        other = prints[whole].mirrored if flip else int(prints[whole].views[0])
        return (int(prints[cropped].views[view]) ^ other).bit_count()

    views = range(len(VIEWS))
    for place, (i, j) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        readings = [(pair, view, False) for pair in ((i, j), (j, i)) for view in views] + [((i, j), 0, True)]
        every = [bits(*pair, view, flip) - (12 if view == 0 else 8) for pair, view, flip in readings]
        allowed = 12 if pairs.view[place] == 0 else 8
        assert int(distance[place]) - allowed == min(every)
        reading = bits(
            *(int(side[place]) for side in (pairs.first, pairs.second, pairs.view)), bool(pairs.mirrored[place])
        )
        assert reading == distance[place]


def test_what_is_joined_already_needs_no_look():
    prints = [fingerprint(jpeg(render(scene(3, "tr"), 256), quality)) for quality in (95, 90, 85, 80)]
    matcher = HashMatcher(prints, LIMITS)
    nobody = np.empty(0, dtype=np.int64)
    assert matcher.same(nobody, nobody).tolist() == []
    assert keepers([matcher, matcher], 4) == [0, 0, 0, 0]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_candidates_are_all_pairs_with_a_close_reading(count: int):
    dice = np.random.default_rng(count)
    base = dice.integers(0, 2**64, 1 + count // 5, dtype=np.uint64)

    def near(number: int) -> np.uint64:
        return base[number % len(base)] ^ np.bitwise_or.reduce(np.uint64(1) << dice.integers(0, 64, 3, dtype=np.uint64))

    blank = np.zeros((48, 48, 3), dtype=np.uint8)
    prints = [Fingerprint(np.array([near(n) for _ in range(6)]), int(near(n + 1)), blank) for n in range(count)]
    prints += prints[:3]  # some share all of their hashes
    matcher = HashMatcher(prints, LIMITS.model_copy(update={"max_hash_distance": 6}))
    low, high = np.triu_indices(len(prints), 1)
    close = matcher.closest_reading(low, high)[1] <= 6
    expected = set(zip(low[close].tolist(), high[close].tolist(), strict=True))
    found: set[tuple[int, int]] = set()
    for first, second in matcher.candidates(np.arange(len(prints))):
        assert (first < second).all()
        found |= set(zip(first.tolist(), second.tolist(), strict=True))
    assert expected and expected <= found


def test_embeddings_join_what_hashes_cannot():
    dice = np.random.default_rng(0)
    embeddings = dice.normal(size=(50, 16))
    embeddings[40] = 3 * embeddings[7] + 0.01
    embeddings[41] = 0
    matcher = EmbeddingMatcher(embeddings, 0.99)
    stays = keepers([matcher], 50)
    assert stays[40] == 7 and [n for n in range(50) if stays[n] != n] == [40]
    prints = [fingerprint(render(scene(context, "tr"), 256)) for context in range(50)]
    both = keepers([HashMatcher(prints, LIMITS), matcher], 50)
    assert both[40] == 7


def test_embeddings_find_all_pairs_of_brute_force():
    directions = np.random.default_rng(1).normal(size=(9, 4))
    embeddings = np.repeat(directions, 30, axis=0) + np.random.default_rng(2).normal(0, 0.05, (270, 4))
    matcher = EmbeddingMatcher(embeddings, 0.999)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    expected = set(zip(*(side.tolist() for side in np.nonzero(np.triu(unit @ unit.T >= 0.999, 1))), strict=True))
    found: set[tuple[int, int]] = set()
    for first, second in matcher.candidates(np.arange(270)):
        same = matcher.same(first, second)
        found |= set(zip(first[same].tolist(), second[same].tolist(), strict=True))
    assert expected and found == expected
