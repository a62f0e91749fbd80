"""Copies that people make of real photographs are found, whatever was done; what only resembles them is not one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import pywt.data
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from culturebench.images.alignment import align, placed, warped
from culturebench.images.hashing import VIEWS, fingerprint, phash
from culturebench.images.matching import HashMatcher
from culturebench.params._base import load_document, load_section
from culturebench.params.deduplicate import Deduplicate
from edits import EDITS, gradients

LIMITS = load_section(Deduplicate, load_document())


def photographs() -> list[Image.Image]:
    """Two in colour and three in grey, that installed packages ship."""
    arrays = [*load_sample_images().images, pywt.data.camera(), pywt.data.ascent(), pywt.data.aero()]
    return [Image.fromarray(np.asarray(array, dtype=np.uint8)).convert("RGB") for array in arrays]


@pytest.fixture(scope="module")
def originals() -> list[Image.Image]:
    return photographs()


def found(pictures: list[Image.Image]) -> set[tuple[int, int]]:
    """All pairs that are called copies, by candidates and closer look alike."""
    matcher = HashMatcher([fingerprint(picture) for picture in pictures], LIMITS)
    pairs: set[tuple[int, int]] = set()
    for first, second in matcher.candidates(np.arange(len(pictures))):
        same = matcher.same(first, second)
        pairs |= set(zip(first[same].tolist(), second[same].tolist(), strict=True))
    return pairs


@pytest.mark.parametrize("name", [name for name in EDITS if name != "screenshot"])
def test_of_five_photographs_each_edit_leaves_four_copies_to_be_found_and_no_other_pair(
    name: str, originals: list[Image.Image]
):
    dice = np.random.default_rng(0)
    pairs = found([*originals, *(EDITS[name](image, dice) for image in originals)])
    right = {(place, place + len(originals)) for place in range(len(originals))}
    assert pairs <= right
    assert len(pairs) >= len(originals) - 1


def test_gradients_of_different_colours_are_no_copies_and_the_same_gradient_is_one():
    drawn = list(gradients(6, np.random.default_rng(0)))
    assert all((phash(one) ^ phash(other)).bit_count() <= LIMITS.max_hash_distance for one in drawn for other in drawn)
    assert found([*drawn, drawn[0].resize((400, 300))]) == {(0, 6)}


def test_two_halves_of_a_photograph_are_no_copies(originals: list[Image.Image]):
    parts = [
        image.crop((side * image.width // 2, 0, (side + 1) * image.width // 2, image.height))
        for image in originals
        for side in (0, 1)
    ]
    assert not found(parts)


def test_a_photograph_with_a_ball_in_it_is_another_picture_than_without_or_with_it_elsewhere(
    originals: list[Image.Image],
):
    def with_(draw: Callable[[np.ndarray, np.ndarray], np.ndarray], image: Image.Image) -> Image.Image:
        pixels = np.array(image)
        down, across = np.indices(pixels.shape[:2])
        pixels[draw(down / image.height - 0.6, across / image.width - 0.5)] = (250, 240, 30)
        return Image.fromarray(pixels)

    ball = with_(lambda y, x: np.hypot(y, x) < 0.16, originals[0])
    far = with_(lambda y, x: np.hypot(y + 0.35, x - 0.3) < 0.16, originals[0])
    assert not found([originals[0], ball, far])


def test_letters_of_light_are_a_watermark_and_a_lighter_ground_is_another_picture(originals: list[Image.Image]):
    whole = originals[0]
    white = Image.new("RGB", whole.size, (255, 255, 255))
    letters, ground = Image.new("L", whole.size), Image.new("L", whole.size)
    font = ImageFont.load_default(whole.width / 10)
    ImageDraw.Draw(letters).text((20, whole.height / 2), "PHOTO STOCK", fill=110, font=font)
    ImageDraw.Draw(ground).rectangle((0, whole.height * 0.7, whole.width, whole.height), fill=110)
    looks = [Image.composite(white, whole, mask) for mask in (letters, ground)]
    assert found([whole, *looks]) == {(0, 1)}


def test_a_placement_that_a_picture_was_moved_by_is_found_again(originals: list[Image.Image]):
    side = 48
    grey = np.stack(
        [np.asarray(image.convert("L").resize((side, side)), dtype=np.float32) / 255 for image in originals]
    )
    dice = np.random.default_rng(0)
    true = placed(np.full((len(grey), 4), (0.05, 0.08, 0.93, 0.95), dtype=np.float32))
    true[:, [2, 4]] += dice.uniform(-0.03, 0.03, (len(grey), 2)).astype(np.float32)
    moved = warped(grey[:, None], true)[0][:, 0]
    start = placed(np.full((len(grey), 4), (0.0, 0.0, 1.0, 1.0), dtype=np.float32))
    assert np.abs(start - true).max() > 0.1
    assert np.abs(align(grey, moved, start, margin=2, steps=20)[0] - true).max() < 0.01


def test_the_hashes_of_crops_are_imagehash_s_within_a_few_bits(originals: list[Image.Image]):
    for image in originals:
        views = fingerprint(image).views.tolist()
        for (left, top, right, bottom), view in zip(VIEWS, views, strict=True):
            width, height = image.size
            cut = image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))
            assert (phash(cut) ^ view).bit_count() <= 6


def test_wherever_a_tenth_is_cut_away_the_rest_is_found(originals: list[Image.Image]):
    dice = np.random.default_rng(1)
    crops = []
    for image in originals:
        left, top = dice.uniform(0, 0.1, 2) * image.size
        crops.append(
            image.crop((round(left), round(top), round(left + 0.9 * image.width), round(top + 0.9 * image.height)))
        )
    pairs = found([*originals, *crops])
    assert pairs <= {(place, place + len(originals)) for place in range(len(originals))}
    assert len(pairs) >= len(originals) - 1
