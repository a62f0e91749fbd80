"""A measure is one record; one that is not whole, or a value of which there is none, is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from subprocess import run
from typing import Any

import pytest

from culturebench.evaluation.scores import score_measured
from culturebench.measures.records import (
    MEASURES,
    SCORERS,
    Measure,
    MeasureError,
    Scorer,
    at,
    given_by,
    measure,
    registry,
)
from culturebench.report import published, words
from culturebench.report.results import Results
from import_graph import ROOT

LPIPS = MEASURES["lpips_reference"]


@pytest.mark.parametrize("key", ["name", "label"])
def test_a_record_with_a_hole_is_refused_with_the_field_to_fill(key: str) -> None:
    with pytest.raises(MeasureError, match=f"`{key}` is empty"):
        replace(LPIPS, **{key: " "})


@pytest.mark.parametrize(
    ("key", "value", "among"),
    [
        ("direction", "", "higher, lower, neither"),
        ("direction", "up", "higher, lower, neither"),
        ("unit", "", "share, number"),
        ("place", "top", "column, first, language, agreement, alike, nowhere"),
    ],
)
def test_a_record_without_its_direction_unit_or_place_is_refused_with_those_there_are(
    key: str, value: str, among: str
) -> None:
    with pytest.raises(MeasureError, match=f"measure 'lpips_reference': `{key}` is '{value}'; one of: {among}"):
        replace(LPIPS, **{key: value})


@pytest.mark.parametrize("key", ["key", "weights"])
def test_a_scorer_with_a_hole_is_refused(key: str) -> None:
    with pytest.raises(MeasureError, match=f"`{key}` is empty"):
        replace(SCORERS["lpips"], **{key: ""})


def test_a_name_that_stands_twice_is_refused_and_so_is_a_key_of_two_scorers() -> None:
    with pytest.raises(MeasureError, match="two measures are called 'lpips_reference'"):
        registry((LPIPS, LPIPS))
    other = replace(LPIPS, name="lpips_squeeze", scorer=Scorer("lpips", "another network"))
    with pytest.raises(MeasureError, match="two scorers have the key 'lpips'"):
        registry((LPIPS, other))


def test_the_arrow_of_a_columns_head_is_the_measures_direction() -> None:
    assert words.measure("lpips_reference") == "LPIPS to reference ↓"
    assert words.measure("culture_vqa") == "CultureVQA ↑"
    assert replace(LPIPS, direction="neither").head == "LPIPS to reference"
    assert words.measure("plain_share") == "No culture seen"


def test_an_unknown_measure_is_refused_with_those_there_are() -> None:
    with pytest.raises(MeasureError, match=r"'lpip' is no measure: .*records\.py has no record of it; there are: cult"):
        measure("lpip")
    with pytest.raises(MeasureError, match=r"params\.yaml: measure\.lpip gives no measure .*: alignment, clip_score"):
        given_by("lpip")


def test_a_measured_value_without_a_record_is_refused_before_it_is_scored() -> None:
    row = {"measure": "sharpness", "prompt_id": "a", "seed": 0, "value": 1.0, "reason": ""}
    with pytest.raises(MeasureError, match="'sharpness' is no measure"):
        score_measured([row])


@pytest.mark.parametrize(
    ("direction", "change", "verdict"),
    [
        ("higher", 0.1, "better"),
        ("higher", -0.1, "worse"),
        ("lower", 0.1, "worse"),
        ("lower", -0.1, "better"),
        ("neither", 0.1, "none"),
    ],
)
def test_what_is_better_follows_from_the_record(
    monkeypatch: pytest.MonkeyPatch, direction: Any, change: float, verdict: str
) -> None:
    monkeypatch.setitem(MEASURES, "new", Measure("new", "New", direction, "number", "column", SCORERS["lpips"]))
    row = {"model": "m", "prompts": "test", "condition": "masked", "against": "cultural", "judge": "", "region": "all"}
    found = Results([{**row, "measure": "new", "value": change, "p_value": 0.01}], "m")
    assert found.verdict("masked", "new", "cultural") == verdict


def test_every_measure_with_a_published_value_has_a_record() -> None:
    named = {name for conditions in published.VALUES.values() for values in conditions.values() for name in values}
    assert named <= MEASURES.keys()


def test_judges_measures_come_before_the_others_and_one_is_first() -> None:
    assert at("first") == ["culture_vqa"]
    assert [name for name in at("column") if not MEASURES[name].scorer] == [
        "region_named",
        "object_accuracy",
        "plain_share",
        "anglo_share",
    ]
    assert at("column")[:3] == ["region_named", "object_accuracy", "plain_share"]


def test_the_records_are_read_without_torch() -> None:
    code = "import sys, culturebench.measures.records as r; assert r.MEASURES and 'torch' not in sys.modules"
    assert run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
