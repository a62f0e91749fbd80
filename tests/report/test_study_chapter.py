"""The chapter on the study: scripts are called so, both analyses stand there, and the paper's numbers seldom."""

from __future__ import annotations

import re
from typing import Any

import pytest

from culturebench.artifacts import study
from culturebench.report.study import values


@pytest.fixture(scope="module")
def html(small_run: Any) -> str:
    return small_run.report().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(small_run: Any, html: str) -> Any:
    return study.load(small_run.root / study.PATH)


def test_scripted_participants_are_called_so_and_the_papers_csr_does_not_stand_beside_them(html: str) -> None:
    assert "9 scripted participants of 9 planned" in html and "Scripted participants are no people" in html
    assert "77.6%" not in html


def test_every_kind_shows_everybody_and_those_whom_the_rule_keeps(html: str, found: Any) -> None:
    chapter = html[html.index('<section id="study">') : html.index('<section id="judges">')]
    for head in (
        "Which culture? (SCC)",
        "Which of these? (MCC)",
        "How well? (CSR)",
        "A stereotype? (asked beside CSR)",
    ):
        assert head in chapter
    assert chapter.count('<tr><th scope="row">Cultural') >= 3 and "left out" in chapter
    assert [name for name, one in found["participants"].items() if one["left_out"]] == [
        "scripted-09 (clicks at random)"
    ]
    assert found["everyone"].keys() == found["by_rule"].keys() == {"scc", "mcc", "csr", "stereotype"}


def test_what_people_see_follows_what_was_planted(found: Any) -> None:
    """Shares of right pictures: noun 0.2, amplified 0.45, cultural 0.92."""
    kept = found["by_rule"]["scc"]["conditions"]
    noun, edited, cultural = (kept[name]["mean"] for name in ("noun", "amplified", "cultural"))
    assert noun["value"] < edited["value"] < cultural["value"]
    assert noun["low"] < 0.2 < noun["high"] and cultural["low"] < 0.9 <= cultural["high"]


def test_the_papers_csr_stands_beside_its_own_models_alone(found: Any) -> None:
    real = {**found, "scripted": False}
    assert values(real, "AltDiffusion")["paper"] == (0.776, 0.604) and values(real, "")["paper"] is None


def test_without_a_study_there_is_no_chapter(small_run: Any, html: str) -> None:
    assert values({}, "AltDiffusion") is None
    assert re.search('href="#study"', html)


def test_a_plan_without_answers_says_what_to_do(found: Any) -> None:
    nobody = {**found, "participants": {}, "everyone": {}, "by_rule": {}, "reason": "nobody has answered"}
    shown = values(nobody, "")
    assert shown is not None and shown["kinds"] == [] and shown["found"]["reason"] == "nobody has answered"
