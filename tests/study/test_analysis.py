"""What answers come to: which count, who leaves by the rule, and what the numbers are of answers that one can count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from culturebench.annotation.study import Consent, StudyAnswer
from culturebench.artifacts.study_tasks import GOLD, ITEM, TaskRow
from culturebench.measures.two_way import TwoWay
from culturebench.study import scripted
from culturebench.study.analysis import analyse
from culturebench.study.draws import StudyError
from culturebench.study.given import Given, given, participants
from culturebench.study.plan import plan_tasks
from small_study import CONDITIONS, REGIONS, material_of, plan_of

NUMBERS = TwoWay(300, 0, 0.95)
#: What each condition's pictures show: the noun's nothing, the cultural's the region asked for.
SHOWN = {"noun": "none", "masked": "none", "cultural": ""}


def tasks() -> Sequence[TaskRow]:
    plan = plan_of()
    return plan_tasks(plan, material_of(plan)).tasks


def right(task: TaskRow) -> list[str]:
    """What somebody says who sees everything."""
    seen = [
        SHOWN[name] or task["region"] if name else real
        for name, real in zip(task["conditions"], task["shown"], strict=True)
    ]
    shows = [region == task["region"] for region in seen]
    if task["kind"] == "scc":
        return [seen[0] if seen[0] in REGIONS else "uncertain"]
    if task["kind"] == "csr":
        return ["5" if shows[0] else "1"]
    return [letter for letter, one in zip("ABC", shows, strict=True) if one] or ["none"]


def answered(people: dict[str, str], how: Any = right, consents: bool = True, stereotype: Any = None) -> Given:
    """Everybody (pseudonym -> block) answers all tasks of the block."""
    every = tasks()
    blocks = sorted({task["block"] for task in every})
    said = {
        block: [
            StudyAnswer(
                task_id=task["task_id"],
                annotator=name,
                answer=how(task),
                too_fast=False,
                stereotype=stereotype(task, name) if stereotype and task["kind"] == "csr" else "",
            )
            for name, own in people.items()
            for task in every
            if task["block"] == own == block
        ]
        for block in blocks
    }
    return given(
        every,
        said,
        people,
        {name: Consent(task_id="0" * 64, annotator=name, consents=consents, lived=["jp"]) for name in people},
    )


PEOPLE = {"ann": "01", "ben": "02", "cem": "03", "dai": "01"}


def test_those_who_see_everything_give_each_condition_what_it_shows() -> None:
    found = analyse(answered(PEOPLE), set(PEOPLE), CONDITIONS, NUMBERS)
    for kind, result in found.items():
        values = {name: one["mean"]["value"] for name, one in result["conditions"].items() if one["mean"]}
        assert values == {"noun": 0, "masked": 0, "cultural": 1}, kind
        assert result["alpha"] == pytest.approx(1)
        differences = {one["condition"]: one for one in result["differences"]}
        assert differences["cultural"]["value"] == 1 and differences["masked"]["value"] == 0
        assert differences["cultural"]["high"] == 1 and -1 <= differences["masked"]["low"] < 0
    noun = found["scc"]["conditions"]["noun"]
    assert noun["no_answer"] == 1 and {answer for one in noun["answers"].values() for answer in one} == {"uncertain"}
    assert found["csr"]["conditions"]["cultural"]["answers"].keys() == {"5"}
    assert found["mcc"]["conditions"]["cultural"]["answers"].keys() == {"true"}


def test_gold_and_repeats_count_in_no_mean() -> None:
    found = answered(PEOPLE)
    result = analyse(found, set(PEOPLE), CONDITIONS, NUMBERS)["scc"]
    counted = sum(one["mean"]["answers"] for one in result["conditions"].values() if one["mean"])
    assert counted == sum(a.task["kind"] == "scc" and a.task["role"] == ITEM for a in found.answers) == 4 * 12


def test_people_are_told_apart_by_where_they_have_lived() -> None:
    result = analyse(answered(PEOPLE), set(PEOPLE), CONDITIONS, NUMBERS)["scc"]["conditions"]["cultural"]
    assert result["in_region"]["answers"] + result["out_of_region"]["answers"] == result["mean"]["answers"]
    assert 0 < result["in_region"]["prompts"] < result["out_of_region"]["prompts"]


def test_a_rating_that_was_not_given_is_in_no_mean_and_is_counted() -> None:
    found = answered(
        PEOPLE, lambda task: ["unknown"] if task["kind"] == "csr" and task["role"] == ITEM else right(task)
    )
    result = analyse(found, set(PEOPLE), CONDITIONS, NUMBERS)["csr"]
    assert result["conditions"]["noun"]["mean"] is None and result["conditions"]["noun"]["no_answer"] == 1
    assert result["differences"] == [] and result["alpha"] is None


def test_stereotypes_are_a_share_of_the_pictures_that_show_something_beside_the_cultural_prompts() -> None:
    """Of masked pictures two people call all stereotypes and one none; of noun prompts' all say that they show nothing.

    The fourth person says nothing of stereotypes, and has no part in the shares.
    """

    def said(task: TaskRow, name: str) -> str:
        if name == "dai":
            return ""
        condition = task["conditions"][0]
        return "unknown" if condition == "noun" else "no" if condition == "cultural" or name == "cem" else "yes"

    found = analyse(answered(PEOPLE, stereotype=said), set(PEOPLE), CONDITIONS, NUMBERS)["stereotype"]
    noun, masked, cultural = (found["conditions"][name] for name in ("noun", "masked", "cultural"))
    assert noun["mean"] is None and noun["no_answer"] == 1 and noun["answers"].keys() == {"unknown"}
    assert masked["mean"] is not None and masked["mean"]["value"] == pytest.approx(2 / 3)
    assert masked["mean"]["people"] == 3 and masked["answers"].keys() == {"yes", "no"}
    assert cultural["mean"] is not None and cultural["mean"]["value"] == 0
    assert found["against"] == "cultural"
    assert [one["condition"] for one in found["differences"]] == ["masked"]
    assert "stereotype" not in analyse(answered(PEOPLE), set(PEOPLE), CONDITIONS, NUMBERS)


def test_a_stereotype_in_an_answer_to_another_kind_of_task_stops_with_its_file() -> None:
    task = next(row for row in tasks() if row["kind"] == "scc")
    one = StudyAnswer(task_id=task["task_id"], annotator="ann", answer=["jp"], too_fast=False, stereotype="yes")
    with pytest.raises(StudyError, match=rf"annotations/study/{task['block']}\.jsonl: .* asks for no stereotype"):
        given(
            tasks(),
            {task["block"]: [one]},
            {"ann": task["block"]},
            {"ann": Consent(task_id="0" * 64, annotator="ann", consents=True, lived=[])},
        )


def test_answers_outside_of_ones_block_without_consent_or_to_another_plan_are_set_aside_and_counted() -> None:
    every = tasks()
    task = next(row for row in every if row["block"] == "01" and row["kind"] == "scc")
    one = StudyAnswer(task_id=task["task_id"], annotator="ann", answer=["jp"], too_fast=False)
    old = StudyAnswer(task_id="0" * 64, annotator="ann", answer=["jp"], too_fast=False)
    agreed = {"ann": Consent(task_id="0" * 64, annotator="ann", consents=True, lived=[])}
    refused = {"ann": Consent(task_id="0" * 64, annotator="ann", consents=False, lived=[])}
    for seats, consent, reason in (
        ({"ann": "02"}, agreed, "other_block"),
        ({}, agreed, "other_block"),
        ({"ann": "01"}, refused, "no_consent"),
        ({"ann": "01"}, {}, "no_consent"),
    ):
        found = given(every, {"01": [one, old]}, seats, consent)
        assert not found.answers
        assert found.set_aside == {"other_plan": 1, "other_block": 0, "no_consent": 0} | {reason: 1}
    assert len(given(every, {"01": [one]}, {"ann": "01"}, agreed).answers) == 1


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("scc", ["jp", "nl"]),
        ("scc", ["fr"]),
        ("mcc", ["A", "none"]),
        ("mcc", ["A", "A"]),
        ("mcc", ["D"]),
        ("csr", ["6"]),
    ],
)
def test_an_answer_that_no_form_could_give_stops_with_its_file(kind: str, answer: list[str]) -> None:
    every = tasks()
    task = next(row for row in every if row["kind"] == kind)
    one = StudyAnswer(task_id=task["task_id"], annotator="ann", answer=answer, too_fast=False)
    with pytest.raises(StudyError, match=rf"annotations/study/{task['block']}\.jsonl: .* is no answer"):
        given(
            every,
            {task["block"]: [one]},
            {"ann": task["block"]},
            {"ann": Consent(task_id="0" * 64, annotator="ann", consents=True, lived=[])},
        )


def test_the_rule_looks_at_gold_alone() -> None:
    def foolish(task: TaskRow) -> list[str]:
        if task["role"] == GOLD:
            return right(task)
        return {"scc": ["nl"], "mcc": ["A", "B", "C"], "csr": ["5"]}[task["kind"]]

    def careless(task: TaskRow) -> list[str]:
        if task["role"] != GOLD:
            return right(task)
        wrong = next(code for code in REGIONS if code != task["region"])
        return {"scc": [wrong], "mcc": ["A", "B", "C"], "csr": ["5"]}[task["kind"]]

    honest = participants(answered(PEOPLE), 1)
    assert {(one["gold"], one["gold_wrong"], one["left_out"]) for one in honest.values()} == {(6, 0, False)}
    assert {(one["repeats"], one["alike"]) for one in honest.values()} == {(6, 6)}
    assert not any(one["left_out"] for one in participants(answered(PEOPLE, foolish), 1).values())
    left = participants(answered(PEOPLE, careless), 1)
    assert {(one["gold_wrong"], one["left_out"]) for one in left.values()} == {(6, True)}


def test_not_to_know_is_neither_right_nor_wrong() -> None:
    none = {"scc": ["uncertain"], "mcc": ["none"], "csr": ["unknown"]}
    found = participants(answered(PEOPLE, lambda task: none[task["kind"]]), 1)
    assert {(one["gold"], one["left_out"]) for one in found.values()} == {(0, False)}


def test_clickers_leave_by_the_rule_and_the_result_moves_back_to_what_is_shown() -> None:
    plan = plan_of(people=6)
    every = plan_tasks(plan, material_of(plan)).tasks
    region = {row["prompt_id"]: row["region"] for row in every}
    blocks = sorted({row["block"] for row in every})
    said: dict[str, list[StudyAnswer]] = {block: [] for block in blocks}
    crowd = scripted.scripts(plan.blocks * plan.people, clickers=9)
    for one in crowd:
        block = scripted.seat(one, blocks)
        own = [row for row in every if row["block"] == block]
        said[block] += scripted.answers(one, own, REGIONS, lambda name, prompt, seed: SHOWN[name] or region[prompt])
    seats = {one.name: scripted.seat(one, blocks) for one in crowd}
    found = given(every, said, seats, {one.name: scripted.consent(one, REGIONS) for one in crowd})
    people = participants(found, plan.max_gold_wrong)
    clickers = {one.name for one in crowd if one.clicks}
    left = {name for name, one in people.items() if one["left_out"]}
    assert left <= clickers and len(left) >= 0.7 * len(clickers)
    everyone, kept = (analyse(found, some, CONDITIONS, NUMBERS) for some in (set(people), set(people) - left))
    for kind in ("scc", "mcc"):
        with_all, by_rule = (one[kind]["conditions"]["cultural"]["mean"]["value"] for one in (everyone, kept))
        assert with_all < by_rule and by_rule > 0.85
    assert kept["scc"]["alpha"] > everyone["scc"]["alpha"]
