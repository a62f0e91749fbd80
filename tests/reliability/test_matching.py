"""Several real pictures of which one shows the region named: how they are drawn, and what is made of answers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from culturebench.annotation.lines import AnnotationError
from culturebench.annotation.matches import Match, read_matches
from culturebench.atlas.people import ERROR_RATES
from culturebench.measures.statistics import Bootstrap
from culturebench.reliability.compare import compare
from culturebench.reliability.matching import Matching, by_region, given, matchings, scripted_matches

REGIONS = ["arab", "cn", "jp", "kr", "th", "de", "ru", "it"]


def rows(each: int = 30, regions: list[str] = REGIONS) -> list[dict[str, Any]]:
    """Pictures with groups of their own, unless a test joins some."""
    return [
        {"picture_id": f"{place:02x}{number:062x}", "region": region, "group": f"{region}{number}"}
        for place, region in enumerate(regions)
        for number in range(each)
    ]


def test_one_of_four_pictures_is_of_the_region_named_and_no_place_or_region_is_favoured() -> None:
    known = {row["picture_id"]: row["region"] for row in rows()}
    asked = matchings(rows(), REGIONS, 30, 4, 0)
    assert len(asked) == 240 == len({one.question_id for one in asked})
    for one in asked:
        assert len(one.pictures) == 4 and known[one.right] == one.region
        assert len({known[name] for name in one.pictures}) == 4
    places = Counter(one.pictures.index(one.right) for one in asked)
    others = Counter(known[name] for one in asked for name in one.pictures if name != one.right)
    assert all(40 <= places[place] <= 80 for place in range(4))
    assert all(60 <= others[region] <= 120 for region in REGIONS)
    assert len({name for one in asked for name in one.pictures if name != one.right}) > 200  # of 240


def test_no_two_pictures_of_a_question_are_near_duplicates_of_each_other() -> None:
    """Of half the regions all pictures are copies of one: a question has one of them at most."""
    copies = [row | {"group": "one"} if row["region"] in REGIONS[:4] else row for row in rows()]
    groups = {row["picture_id"]: row["group"] for row in copies}
    asked = matchings(copies, REGIONS, 30, 4, 0)
    assert all(len({groups[name] for name in one.pictures}) == 4 for one in asked)
    assert any("one" in {groups[name] for name in one.pictures} for one in asked)


def test_the_seed_draws_the_others() -> None:
    first, again, other = (matchings(rows(), REGIONS, 5, 4, seed) for seed in (0, 0, 1))
    assert first == again
    pairs = zip(first, other, strict=True)
    assert sum(set(one.pictures) == set(two.pictures) for one, two in pairs) < 5


def test_few_regions_give_several_pictures_each_and_one_alone_gives_no_question() -> None:
    two = matchings(rows(5, ["jp", "cn"]), ["jp", "cn"], 5, 4, 0)
    assert len(two) == 10 and all(len(set(one.pictures)) == 4 for one in two)
    assert all(len(one.pictures) == 3 for one in matchings(rows(2, ["jp", "cn"]), ["jp", "cn"], 2, 4, 0))
    assert matchings(rows(5, ["jp"]), ["jp"], 5, 4, 0) == []


def test_a_region_that_joins_changes_the_questions_that_it_enters_and_no_others() -> None:
    before = matchings(rows(10), REGIONS, 10, 4, 0)
    joined = matchings(rows(10, [*REGIONS, "nl"]), REGIONS, 10, 4, 0)
    new = {row["picture_id"] for row in rows(10, [*REGIONS, "nl"]) if row["region"] == "nl"}
    same = [one == two for one, two in zip(before, joined, strict=True)]
    assert all(equal or new & set(two.pictures) for equal, two in zip(same, joined, strict=True))
    assert 0.3 < sum(same) / len(same) < 0.9


def test_a_question_is_called_by_its_region_and_its_pictures_in_their_order() -> None:
    one = Matching("jp", "a", ("a", "b"))
    others = (Matching("cn", "a", ("a", "b")), Matching("jp", "a", ("b", "a")), Matching("jp", "b", ("a", "c")))
    assert one.question_id == Matching("jp", "b", ("a", "b")).question_id  # which one is right is not told
    assert len({one.question_id, *(other.question_id for other in others)}) == 4


def test_scripted_people_find_the_picture_but_for_their_errors_and_see_what_is_drawn() -> None:
    asked = matchings(rows(200), REGIONS, 200, 4, 0)
    scenes: dict[str, Any] = {row["picture_id"]: {"region": row["region"]} for row in rows(200)}
    said = [scripted_matches(one, scenes) for one in asked]
    for number, rate in enumerate(ERROR_RATES):
        wrong = sum(own[number].answer != one.right for own, one in zip(said, asked, strict=True)) / len(asked)
        assert wrong == pytest.approx(rate, abs=0.02)
    first = asked[0]
    other = next(name for name in first.pictures if name != first.right)
    swapped = scenes | {first.right: scenes[other], other: scenes[first.right]}  # the labels are wrong, the drawing not
    assert sum(match.answer == other for match in scripted_matches(first, swapped)) >= 2
    assert scripted_matches(first, scenes | {other: None}) == []  # one of them is a photograph


def test_answers_count_as_the_region_of_the_picture_and_those_to_other_questions_apart() -> None:
    regions = {"a": "jp", "b": "cn", "c": "it"}
    asked = [Matching("jp", "a", ("b", "a")), Matching("cn", "b", ("b", "c"))]
    rows: list[Any] = [
        {"prompt_id": one.question_id, "seed": 0, "region": one.region, "answer": answer, "options": [*one.pictures]}
        for one, answer in zip(asked, ("a", "unparseable"), strict=True)
    ]
    people = [
        Match(question_id=question, annotator="ann", region="jp", answer=answer, options=options)
        for question, answer, options in (
            (asked[0].question_id, "b", ["b", "a"]),
            (asked[1].question_id, "b", ["b", "c"]),
            ("0" * 64, "x", ["x", "y"]),
        )
    ]
    own, others = given(people, asked, regions)
    found = compare(by_region(rows, regions), own, Bootstrap(200, 0, 0.95), project="matches")
    assert (found["judge"]["value"], found["people"]["value"], others) == (0.5, 0.5, 1)
    assert (found["unparseable"], found["choices"], found["other_options"]) == (1, [2], 0)
    assert "--project matches" in compare(by_region(rows, regions), [], Bootstrap(200, 0, 0.95), "matches")["reason"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"answer": "c"}, "must be one of the options"),
        ({"options": ["a", "a"]}, "each named once"),
        ({"question_id": "x"}, "`question_id`"),
        ({"annotator": "first"}, "answered it in line 1 already"),
    ],
)
def test_a_line_that_cannot_be_an_answer_is_named(tmp_path: Path, line: dict[str, Any], said: str) -> None:
    good = {"question_id": "0" * 64, "annotator": "first", "region": "jp", "answer": "a", "options": ["a", "b"]}
    bad = good | {"annotator": "second"} | line
    (tmp_path / "matches.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n")
    with pytest.raises(AnnotationError, match=rf"matches.jsonl:2: .*{said}"):
        read_matches(tmp_path / "matches.jsonl")
