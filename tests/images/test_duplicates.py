"""Near-duplicates are found, and what merely resembles is left alone; against brute force and imagehash."""

from __future__ import annotations

import io
from itertools import combinations

import imagehash
import numpy as np
import pytest
from PIL import Image

from culturebench.atlas import defects
from culturebench.atlas.pictures import render
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.images.difference import differences
from culturebench.images.grouping import stars
from culturebench.images.hashing import Fingerprint, fingerprint, phash, without_border
from culturebench.images.neighbours import close_pairs

MAX_DISTANCE, MAX_DIFFERENCE = 10, 0.31


def alike(prints: list[Fingerprint]) -> set[tuple[int, int]]:
    """Pairs of indices (smaller first) that pass both limits."""
    views = np.stack([one.views for one in prints])
    mirrored = np.array([one.mirrored for one in prints], dtype=np.uint64)
    pairs = close_pairs(views, mirrored, MAX_DISTANCE)
    close = differences(np.stack([one.thumbnail for one in prints]), pairs) <= MAX_DIFFERENCE
    return {
        (min(i, j), max(i, j)) for i, j in zip(pairs.first[close].tolist(), pairs.second[close].tolist(), strict=True)
    }


def scene(context: int, region: str, seed: int = 0) -> Scene:
    return Scene(*contexts()[context], region=region, subdivision=REGIONS[region][1][0], seed=seed)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def test_planted_copies_are_found_and_nothing_else():
    dice = np.random.default_rng(0)
    chosen = dice.permutation(len(contexts()))[:120]
    codes = list(REGIONS)
    originals = [render(scene(int(context), codes[n % len(codes)]), 256) for n, context in enumerate(chosen)]
    changes = [
        lambda image, dice: jpeg(image, 40), defects.resized, defects.cropped,
        defects.flipped, defects.bordered, defects.colour_shifted,
    ]  # fmt: skip
    copies = [jpeg(changes[n % 6](image, dice), 92) for n, image in enumerate(originals)]
    found = alike([fingerprint(image) for image in originals + copies])
    planted = {(n, n + len(originals)) for n in range(len(originals))}
    assert len(found & planted) / len(planted) >= 0.97
    assert len(found & planted) / len(found) >= 0.99


def test_the_same_thing_in_the_same_place_with_another_ornament_is_another_picture():
    dice = np.random.default_rng(1)
    prints: list[Fingerprint] = []
    for context in dice.permutation(len(contexts()))[:12].tolist():
        prints += [fingerprint(render(scene(context, region), 256)) for region in REGIONS]
    assert not alike(prints)


def test_a_companion_more_or_less_makes_another_picture():
    place = {"place": "sand", "light": "day", "framing": "far", "region": "tr", "subdivision": "iznik", "seed": 3}
    companions = ("none", "tree", "ball", "bird")
    assert not alike([fingerprint(render(Scene(object="vase", companion=name, **place), 256)) for name in companions])


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


@pytest.mark.parametrize("count", [0, 1, 2, 150])
def test_close_pairs_are_those_of_brute_force(count: int):
    dice = np.random.default_rng(2)
    base = dice.integers(0, 2**64, max(1, count // 5), dtype=np.uint64)
    noise = [np.bitwise_or.reduce(np.uint64(1) << dice.integers(0, 64, 4, dtype=np.uint64)) for _ in range(4 * count)]
    views = np.array([base[n % len(base)] ^ noise[n] for n in range(3 * count)], dtype=np.uint64).reshape(count, 3)
    mirrored = np.array([base[n % len(base)] ^ noise[3 * count + n] for n in range(count)], dtype=np.uint64)
    pairs = close_pairs(views, mirrored, 6)

    def distance(i: int, j: int) -> int:
        wholes = [(views[i], views[j, 0]), (views[i], mirrored[j]), (views[j], views[i, 0]), (views[j], mirrored[i])]
        return min(bin(int(view) ^ int(whole)).count("1") for several, whole in wholes for view in several)

    expected = {pair: distance(*pair) for pair in combinations(range(count), 2) if distance(*pair) <= 6}
    found = zip(np.minimum(pairs.first, pairs.second), np.maximum(pairs.first, pairs.second), strict=True)
    assert dict(zip([(int(i), int(j)) for i, j in found], pairs.distance.tolist(), strict=True)) == expected


def test_a_chain_never_joins_what_does_not_resemble_its_keeper():
    assert stars([0, 1, 2, 3], [(0, 1), (1, 2), (2, 3)]) == {0: 0, 1: 0, 2: 2, 3: 2}


def test_the_preferred_picture_becomes_the_keeper():
    assert stars([2, 0, 1], [(0, 1), (0, 2), (1, 2)]) == {2: 2, 0: 2, 1: 2}
