"""The questions that judges and people get on real pictures."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from culturebench.annotation.choices import read_choices
from culturebench.annotation.lines import AnnotationError
from culturebench.atlas.people import ERROR_RATES
from culturebench.reliability.questions import choices_of, scripted_answers, select

REGIONS = ["arab", "cn", "jp", "kr", "th", "de", "ru", "it"]


def row(number: int, region: str = "jp", shown: str = "jp") -> dict[str, Any]:
    scene = {"region": shown, "subdivision": "", "object": "bowl"}
    return {"picture_id": f"{number:064x}", "region": region, "scene": scene}


def test_the_right_region_is_among_as_many_as_asked_for_and_no_place_is_better_than_another() -> None:
    shown = [choices_of(row(number), REGIONS, 4, 0) for number in range(400)]
    assert all(len(set(options)) == 4 and "jp" in options and set(options) <= set(REGIONS) for options in shown)
    places = Counter(options.index("jp") for options in shown)
    wrong = Counter(region for options in shown for region in options if region != "jp")
    assert all(70 <= places[place] <= 130 for place in range(4))
    assert all(120 <= wrong[region] <= 225 for region in REGIONS if region != "jp")


def test_the_seed_decides_and_a_run_of_few_regions_offers_all_of_them() -> None:
    assert choices_of(row(1), REGIONS, 4, 0) == choices_of(row(1), REGIONS, 4, 0)
    assert any(choices_of(row(n), REGIONS, 4, 0) != choices_of(row(n), REGIONS, 4, 1) for n in range(5))
    assert sorted(choices_of(row(1), ["jp", "cn", "it"], 4, 0)) == ["cn", "it", "jp"]


def test_a_region_that_joins_changes_the_questions_that_it_enters_and_no_others() -> None:
    before = [choices_of(row(n), REGIONS, 4, 0) for n in range(200)]
    after = [choices_of(row(n), [*REGIONS, "nl"], 4, 0) for n in range(200)]
    assert all(first == second or "nl" in second for first, second in zip(before, after, strict=True))
    assert 0.2 < sum(first == second for first, second in zip(before, after, strict=True)) / 200 < 0.9


def test_as_many_pictures_of_each_region_are_asked_about_in_a_fixed_order() -> None:
    rows = [row(n, region) for region in ("jp", "cn") for n in reversed(range(5))]
    chosen = select(rows, ["cn", "jp"], 2)
    assert [(one["region"], int(one["picture_id"], 16)) for one in chosen] == [
        ("cn", 0),
        ("cn", 1),
        ("jp", 0),
        ("jp", 1),
    ]


def test_scripted_people_say_so_err_at_their_rates_and_see_what_is_drawn() -> None:
    said = [scripted_answers(row(n), ["cn", "jp", "it", "de"]) for n in range(2000)]
    for number, rate in enumerate(ERROR_RATES):
        assert said[0][number].annotator == f"scripted-{number + 1} (error rate {rate:g})"
        wrong = sum(one[number].answer != "jp" for one in said) / len(said)
        assert wrong == pytest.approx(rate, abs=0.015)
    mislabelled = [scripted_answers(row(n, "jp", "it"), ["cn", "jp", "it", "de"]) for n in range(200)]
    assert sum(choice.answer == "it" for one in mislabelled for choice in one) > 0.85 * 600
    assert scripted_answers({**row(1), "scene": None}, ["cn", "jp"]) == []  # a real picture


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"answer": "nl"}, "must be one of the options"),
        ({"options": ["jp", "jp"]}, "each named once"),
        ({"picture_id": "x"}, "`picture_id`"),
        ({"annotator": ""}, "`annotator`"),
    ],
)
def test_a_line_that_cannot_be_an_answer_is_named(tmp_path: Any, line: dict[str, Any], said: str) -> None:
    good = {"picture_id": "0" * 64, "annotator": "a", "answer": "jp", "options": ["jp", "cn"]}
    (tmp_path / "answers.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps({**good, 'annotator': 'b', **line})}\n")
    with pytest.raises(AnnotationError, match=rf"answers.jsonl:2: .*{said}"):
        read_choices(tmp_path / "answers.jsonl")


def test_one_person_answers_once_on_a_picture(tmp_path: Any) -> None:
    good = json.dumps({"picture_id": "0" * 64, "annotator": "a", "answer": "jp", "options": ["jp", "cn"]})
    (tmp_path / "answers.jsonl").write_text(f"{good}\n{good}\n")
    with pytest.raises(AnnotationError, match="answered on it in line 1 already"):
        read_choices(tmp_path / "answers.jsonl")
