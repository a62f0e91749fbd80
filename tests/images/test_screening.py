"""Each screening rule drops what it is for, with its own reason; what is nearly that goes on marked."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image, ImageFilter
from pydantic import ValidationError

from culturebench.artifacts import screened
from culturebench.images.custom_model import CustomModelError
from culturebench.images.measures import contrast, sharpness
from culturebench.images.screening import Screened, consult, screen
from culturebench.params._base import load_section
from culturebench.params.screen import HIGH, LOW, Screen
from data_project import ROOT

LIMITS: dict[str, Any] = {
    "max_pixels": 1_000_000,
    "licences": ["CC0-1.0"],
    "resolution": {"drop": 64, "borderline": 80},
    "aspect": {"drop": 3, "borderline": 2},
    "uniform": {"drop": 0.02, "borderline": 0.04},
    "blur": {"drop": 1e-4, "borderline": 3e-4},
    "relevance": None,
    "safety": None,
}
RULES = Screen(**LIMITS)
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8))
SLOPE = Image.linear_gradient("L").convert("RGB")


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image", "licence", "reason"),
    [
        (NOISE, "CC0-1.0", ""),
        (NOISE.resize((60, 60)), "CC0-1.0", "resolution"),
        (NOISE.resize((400, 100)), "CC0-1.0", "aspect"),
        (NOISE.resize((100, 400)), "CC0-1.0", "aspect"),
        (Image.new("RGB", (100, 100), (90, 90, 90)), "CC0-1.0", "uniform"),
        (SLOPE.filter(ImageFilter.GaussianBlur(8)), "CC0-1.0", "blur"),
        (NOISE, "CC-BY-NC-4.0", "licence"),
        (NOISE, "unknown", "licence"),
        (NOISE.resize((1001, 1001)), "CC0-1.0", "decompression_bomb"),
    ],
)
def test_the_first_broken_rule_is_the_reason(image: Image.Image, licence: str, reason: str):
    assert screen(png(image), licence, RULES).reason == reason


@pytest.mark.parametrize(
    ("image", "marks"),
    [
        (NOISE, ()),
        (NOISE.resize((70, 70)), ("resolution",)),
        (NOISE.resize((250, 100)), ("aspect",)),
        (NOISE.resize((70, 200)), ("resolution", "aspect")),
        (Image.blend(Image.new("RGB", (100, 100), (90, 90, 90)), NOISE, 0.1), ("uniform",)),
    ],
)
def test_what_is_nearly_broken_flows_on_with_the_names_of_the_rules(image: Image.Image, marks: tuple[str, ...]):
    result = screen(png(image), "CC0-1.0", RULES)
    assert result.reason == "" and result.borderline == marks


@pytest.mark.parametrize("size", [(500, 167), (167, 500), (150, 750), (130, 990)])
def test_long_instruments_like_cellos_syringes_and_bassoons_stay(size: tuple[int, int]):
    rules = load_section(Screen, yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))
    assert screen(png(picture), "CC0-1.0", rules).reason == ""
    assert screen(png(picture.resize((130, 1100))), "CC0-1.0", rules).reason == "aspect"


def test_a_dropped_picture_says_what_was_found_and_what_is_allowed():
    detail = screen(png(NOISE.resize((60, 60))), "CC0-1.0", RULES).detail
    assert "60" in detail and "64" in detail


def test_a_rule_that_is_null_is_neither_measured_nor_asked():
    rules = Screen(**LIMITS | {"resolution": None})
    result = screen(png(NOISE.resize((9, 9))), "CC0-1.0", rules)
    assert result.reason == "" and "resolution" not in result.measured and "blur" in result.measured


def test_a_borderline_on_the_wrong_side_of_the_drop_is_refused():
    with pytest.raises(ValidationError, match="blur: below is worse"):
        Screen(**LIMITS | {"blur": {"drop": 0.2, "borderline": 0.1}})
    with pytest.raises(ValidationError, match="aspect: above is worse"):
        Screen(**LIMITS | {"aspect": {"drop": 2, "borderline": 3}})
    with pytest.raises(ValidationError, match="a rule that is null"):
        Screen(**LIMITS | {"blur": {}})


def test_the_rules_have_the_same_names_in_params_and_in_the_table():
    assert sorted(screened.RULES) == sorted((*LOW, *HIGH))
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert set(screened.RULES) < set(document["screen"])


def test_sharpness_falls_with_blur_and_hardly_depends_on_resolution():
    small = Image.fromarray(np.random.default_rng(1).integers(0, 255, (256, 256, 3), dtype=np.uint8))
    large = small.resize((1024, 1024), Image.Resampling.NEAREST)
    assert sharpness(small.filter(ImageFilter.GaussianBlur(3))) < sharpness(small) / 10
    assert sharpness(large) == pytest.approx(sharpness(small), rel=0.2)


def test_contrast_sees_colours_of_equal_brightness():
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (118, 0, 0), (0, 60, 0)
    assert contrast(Image.fromarray(stripes)) > 0.1


# ── functions of the user's own ─────────────────────────────────────────────────────────────────────────────────

OWN = '''
def relevance(images, queries):
    """The red part of the picture, for a query of red."""
    assert len(images) == len(queries)
    return [image.resize((1, 1)).getpixel((0, 0))[0] / 255 if query == "red" else 1.0
            for image, query in zip(images, queries)]

def safety(images):
    return [image.width / 1000 for image in images]

def short(images):
    return [0.5]

def words(images):
    return ["safe" for _ in images]

def broken(images):
    return [float("nan") for _ in images]

constant = 3
'''


@pytest.fixture
def own(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_models.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))


def with_function(rule: str, name: str, **limits: float) -> Screen:
    return Screen(**LIMITS | {rule: {"use": f"my_own_models:{name}", "version": "1", **limits}})


def consulted(rules: Screen, *pictures: tuple[Image.Image, str]) -> list[Screened]:
    files = [png(image) for image, _ in pictures]
    return consult([screen(data, "CC0-1.0", rules) for data in files], files, [query for _, query in pictures], rules)


@pytest.mark.usefixtures("own")
def test_a_function_of_ones_own_says_what_fits_its_query():
    rules = with_function("relevance", "relevance", drop=0.2, borderline=0.6)
    red, brown, blue = (Image.new("RGB", (200, 200), c) for c in ((250, 0, 0), (100, 60, 0), (0, 0, 250)))
    results = consulted(rules, (red, "red"), (brown, "red"), (blue, "red"), (blue, "blue"), (blue, ""))
    plain = [screen(png(image), "CC0-1.0", rules) for image in (red, brown, blue, blue, blue)]
    assert {result.reason for result in plain} == {"uniform"}  # it keeps its first reason
    assert [round(result.measured.get("relevance", -1), 1) for result in results] == [1.0, 0.4, 0.0, 1.0, -1]
    loose = Screen(**rules.model_dump() | {"uniform": None, "blur": None})
    results = consulted(loose, (red, "red"), (brown, "red"), (blue, "red"), (blue, ""))
    assert [result.reason for result in results] == ["", "", "relevance", ""]
    assert [result.borderline for result in results] == [(), ("relevance",), (), ()]


@pytest.mark.usefixtures("own")
def test_a_classifier_of_ones_own_says_what_is_unsafe():
    pictures = [(NOISE.resize((width, 160)), "") for width in (100, 200, 300, 310)]
    results = consulted(with_function("safety", "safety", drop=0.3, borderline=0.15), *pictures)
    assert [result.reason for result in results] == ["", "", "", "safety"]
    assert ["safety" in result.borderline for result in results] == [False, True, True, False]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "cannot be imported"),
        ("constant", "is no function but int"),
        ("short", r"2 finite numbers are needed for 2 pictures, got \[0.5\]"),
        ("words", "finite numbers"),
        ("broken", "finite numbers"),
    ],
)
def test_a_function_that_cannot_be_asked_is_named_with_its_key(name: str, message: str):
    with pytest.raises(CustomModelError, match=rf"screen\.safety\.use in params\.yaml.*{message}"):
        consulted(with_function("safety", name, drop=0.9), (NOISE, ""), (NOISE, ""))
