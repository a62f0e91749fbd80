"""Answers are checked field by field: a server takes whatever it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from culturebench.label_studio.answers import (
    MAX_LENGTH,
    Form,
    WrongAnswer,
    caption_row,
    match_row,
    picture_row,
    question_row,
)
from studio import KEEP, REJECT, choice, mark, sure, text

FORM = Form(("seigaiha", "ainu"), ("crafts", "food"), "ja")
ID = "a" * 64


def picture(*result: Any) -> dict[str, Any]:
    return picture_row(FORM, ID, "expert-1", list(result), {})


def caption(*result: Any, shown: str = "和風の家", **data: str) -> dict[str, Any]:
    return caption_row(FORM, ID, "expert-1", list(result), {"cultural": shown, **data})


def test_a_whole_answer_becomes_a_line():
    assert picture(*KEEP) == {
        "picture_id": ID, "annotator": "expert-1", "verdict": "keep", "reason": "", "subdivision": "seigaiha",
        "category": "crafts", "confidence": 4,
    }  # fmt: skip
    assert picture(*REJECT)["reason"] == "wrong_culture"


@pytest.mark.parametrize(
    "result",
    [
        [],
        [sure(3)],
        [choice("verdict", "keep")],
        [choice("verdict", "perhaps"), sure(3)],
        [choice("verdict", "reject"), sure(3)],
        [choice("verdict", "reject"), choice("reason", "ugly"), sure(3)],
        [choice("verdict", "keep"), choice("subdivision", "delft"), choice("reason", "privacy"), sure(3)],
        [choice("verdict", "reject"), choice("subdivision", "ainu"), sure(3)],
        [*KEEP, choice("verdict", "reject")],
        [choice("verdict", "keep"), choice("subdivision", "delft"), sure(3)],
        [choice("verdict", "keep"), choice("category", "weapons"), sure(3)],
        [choice("verdict", "keep"), sure(6)],
        [choice("verdict", "keep"), sure(True)],
        [choice("verdict", "keep"), sure("5")],  # type: ignore[arg-type]
        [choice("verdict", "keep"), sure(2), sure(3)],
        [choice("verdict", ["keep"]), sure(3)],  # type: ignore[arg-type]
        [*KEEP, choice("mood", "fine")],
        [*KEEP, text("verdict", "keep")],
        [*KEEP, "keep"],
        [*KEEP, {"from_name": ["verdict"], "type": "choices", "value": {}}],
        [{**KEEP[0], "value": None}, sure(3)],
    ],
)
def test_an_answer_that_the_form_does_not_offer_is_refused(result: list[Any]):
    with pytest.raises(WrongAnswer):
        picture(*result)


def test_after_a_change_of_mind_what_the_form_no_longer_shows_counts_no_more():
    rejected = picture(choice("verdict", "reject"), choice("reason", "privacy"), choice("subdivision", "ainu"), sure(3))
    assert (rejected["verdict"], rejected["reason"], rejected["subdivision"]) == ("reject", "privacy", "")
    kept = picture(choice("verdict", "keep"), choice("reason", "privacy"), choice("subdivision", "ainu"), sure(3))
    assert (kept["verdict"], kept["reason"], kept["subdivision"]) == ("keep", "", "ainu")


def test_a_line_drawn_between_two_marks_spoils_no_answer():
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    marks = [mark("modifier", 0, 2, "和風"), mark("noun", 3, 4, "家")]
    row = caption(choice("audit", "correct"), *marks, relation)
    assert row["cultural"] == {"text": "和風の家", "noun": [3, 4], "modifier": [0, 2]}


SHOWN = {"options": [{"value": "Japan"}, {"value": "Arab world"}], "codes": "jp,arab"}


def test_a_chosen_region_becomes_a_line_with_what_it_was_chosen_from():
    assert question_row(ID, "expert-1", [choice("answer", "Arab world")], SHOWN) == {
        "picture_id": ID, "annotator": "expert-1", "answer": "arab", "options": ["jp", "arab"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ([choice("answer", "Korea")], SHOWN),
        ([choice("answer", "jp")], SHOWN),
        ([], SHOWN),
        ([choice("verdict", "Japan")], SHOWN),
        ([choice("answer", "Japan")], {}),
        ([choice("answer", "Japan")], {**SHOWN, "codes": "jp"}),
        ([choice("answer", "Japan")], {**SHOWN, "codes": "jp,jp"}),
        ([choice("answer", "Japan")], {**SHOWN, "options": "Japan"}),
        ([choice("answer", "Japan")], {**SHOWN, "options": [None, {"value": "Japan"}]}),
    ],
)
def test_a_region_that_the_task_did_not_show_is_refused(said: list[Any], shown: dict[str, Any]):
    with pytest.raises(WrongAnswer):
        question_row(ID, "expert-1", said, shown)


@pytest.mark.parametrize("result", [None, {}, "keep"])
def test_a_result_that_is_no_list_is_refused(result: Any):
    with pytest.raises(WrongAnswer):
        picture_row(FORM, ID, "expert-1", result, {})


def test_marks_become_spans_of_characters_without_blanks_around_them():
    row = caption(choice("audit", "correct"), mark("noun", 2, 5, "の家 "), text("noun", "家"), shown="和風の家 だ")
    assert row["cultural"] == {"text": "和風の家 だ", "noun": [2, 4]}
    assert row["noun"] == {"text": "家"}


def test_offsets_count_as_a_browser_or_as_python_does():
    for start, end in ((1, 2), (2, 3)):
        row = caption(choice("audit", "correct"), mark("noun", start, end, "家"), shown="𠮷家")
        assert row["cultural"]["noun"] == [1, 2]


@pytest.mark.parametrize(
    "result",
    [
        [],
        [choice("audit", "fine")],
        [choice("audit", "edit")],
        [choice("audit", "edit"), text("new_cultural", " ")],
        [choice("audit", "edit"), text("new_cultural", "家" * (MAX_LENGTH + 1))],
        [choice("audit", "edit"), text("new_cultural", "家"), text("new_cultural_noun", "宿")],
        [choice("audit", "edit"), text("new_cultural", "和風の家"), text("new_cultural_noun", "風の"),
         text("new_cultural_modifier", "和風")],
        [choice("audit", "correct"), mark("noun", 0, 1, "家")],
        [choice("audit", "correct"), mark("noun", -1, 1, "和")],
        [choice("audit", "correct"), mark("noun", 0, 1, "和"), mark("noun", 3, 4, "家")],
        [choice("audit", "correct"), mark("noun", 0, 2, "和風"), mark("modifier", 0, 3, "和風の")],
        [choice("audit", "correct"), text("noun_noun", "家")],
        [choice("audit", "correct"), text("noun", "\ud800")],
        [choice("audit", "correct"), {**text("noun", "家"), "value": {"text": ["家", "宿"]}}],
    ],
)  # fmt: skip
def test_captions_that_contradict_themselves_are_refused(result: list[Any]):
    with pytest.raises(WrongAnswer):
        caption(*result)


def test_nothing_can_be_correct_where_nothing_was_shown():
    with pytest.raises(WrongAnswer, match="showed no"):
        caption(choice("audit", "correct"), shown="")


def test_a_stereotype_has_no_captions():
    row = caption(choice("audit", "stereotype"), text("noun", "家"))
    assert (row["verdict"], row["reason"], "noun" in row) == ("reject", "stereotype", False)


def test_where_no_caption_was_shown_people_write_one_and_audit_nothing():
    anew = choice("audit", "edit"), text("new_cultural", "和風の家")
    own = caption_row(FORM, ID, "expert-1", list(anew), {"cultural": ""})
    assert "audit" not in own and own["cultural"]["text"] == "和風の家"
    assert caption_row(FORM, ID, "expert-1", list(anew), {"cultural": "家"})["audit"] == "edit"
    none = caption_row(FORM, ID, "expert-1", [choice("audit", "stereotype")], {"cultural": ""})
    assert none == {"picture_id": ID, "annotator": "expert-1", "verdict": "reject", "reason": "stereotype"}


def test_a_chosen_picture_becomes_a_line_with_its_question_and_another_number_is_refused():
    data = {"region": "jp", "options": [{"value": "1"}, {"value": "2"}], "codes": "aa,bb"}
    row = match_row(ID, "expert-1", [choice("answer", "2")], data)
    assert row == {"question_id": ID, "annotator": "expert-1", "region": "jp", "answer": "bb", "options": ["aa", "bb"]}
    with pytest.raises(WrongAnswer, match="'3' is not one of what the task showed: 1, 2"):
        match_row(ID, "expert-1", [choice("answer", "3")], data)
    with pytest.raises(WrongAnswer):
        match_row(ID, "expert-1", [choice("answer", "1")], data | {"region": None})
