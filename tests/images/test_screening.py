"""Each screening rule drops what it is for, with its own reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from culturebench.images.measures import contrast, sharpness
from culturebench.images.screening import screen
from culturebench.params.screen import Screen

RULES = Screen(
    max_pixels=1_000_000, min_side=64, max_aspect=3, min_sharpness=1e-4, min_contrast=0.02, licences=["CC0-1.0"]
)
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image", "licence", "reason"),
    [
        (NOISE, "CC0-1.0", ""),
        (NOISE.resize((60, 60)), "CC0-1.0", "too_small"),
        (NOISE.resize((400, 100)), "CC0-1.0", "aspect"),
        (NOISE.resize((100, 400)), "CC0-1.0", "aspect"),
        (Image.new("RGB", (100, 100), (90, 90, 90)), "CC0-1.0", "uniform"),
        (Image.linear_gradient("L").convert("RGB").filter(ImageFilter.GaussianBlur(8)), "CC0-1.0", "blurred"),
        (NOISE, "CC-BY-NC-4.0", "licence"),
        (NOISE, "unknown", "licence"),
        (NOISE.resize((1001, 1001)), "CC0-1.0", "decompression_bomb"),
    ],
)
def test_the_first_broken_rule_is_the_reason(image: Image.Image, licence: str, reason: str):
    assert screen(png(image), licence, RULES).reason == reason


def test_a_dropped_picture_says_what_is_allowed():
    assert "64" in screen(png(NOISE.resize((60, 60))), "CC0-1.0", RULES).detail


def test_sharpness_falls_with_blur_and_hardly_depends_on_resolution():
    small = Image.fromarray(np.random.default_rng(1).integers(0, 255, (256, 256, 3), dtype=np.uint8))
    large = small.resize((1024, 1024), Image.Resampling.NEAREST)
    assert sharpness(small.filter(ImageFilter.GaussianBlur(3))) < sharpness(small) / 10
    assert sharpness(large) == pytest.approx(sharpness(small), rel=0.2)


def test_contrast_sees_colours_of_equal_brightness():
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (118, 0, 0), (0, 60, 0)
    assert contrast(Image.fromarray(stripes)) > 0.1
