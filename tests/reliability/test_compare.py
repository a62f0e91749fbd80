"""A judge beside people on the same questions."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score

from culturebench.annotation.choices import Choice
from culturebench.measures.statistics import Bootstrap
from culturebench.reliability.compare import NOBODY, compare

BOOTSTRAP = Bootstrap(resamples=500, seed=0, level=0.95)
OPTIONS = ["jp", "cn", "it", "de"]


def name(number: int) -> str:
    return f"{number:064x}"


def answers(*said: str) -> list[dict[str, Any]]:
    """A judge's answers on pictures 0, 1, …, all of jp."""
    return [
        {"prompt_id": name(n), "seed": 0, "region": "jp", "answer": answer, "options": OPTIONS}
        for n, answer in enumerate(said)
    ]


def person(annotator: str, *said: str, options: list[str] | None = None) -> list[Choice]:
    return [
        Choice(picture_id=name(n), annotator=annotator, answer=answer, options=options or OPTIONS[::-1])
        for n, answer in enumerate(said)
    ]


def test_both_sides_and_their_difference_rest_on_the_same_pictures() -> None:
    people = [*person("a", "jp", "jp", "cn", "jp"), *person("b", "jp", "cn", "cn", "jp")]
    found = compare(answers("jp", "jp", "it", "unparseable", "cn"), people, BOOTSTRAP)
    assert (found["judge"]["value"], found["judge"]["pictures"]) == (pytest.approx(2 / 5), 5)
    assert (found["people"]["value"], found["people"]["pictures"], found["people"]["answers"]) == (5 / 8, 4, 8)
    # of the four pictures that both saw: judge 1, 1, 0, 0; people 1, 1/2, 0, 1
    assert found["difference"]["value"] == pytest.approx((2 - 2.5) / 4)
    assert found["difference"]["low"] < found["difference"]["value"] < found["difference"]["high"]
    assert found["annotators"] == {"a": {"answers": 4, "right": 3}, "b": {"answers": 4, "right": 2}}
    assert (found["unparseable"], found["choices"], found["reason"]) == (1, [4], "")


def test_agreement_is_kappa_with_the_majority_and_a_tie_has_none() -> None:
    people = [*person("a", "jp", "jp", "cn", "de"), *person("b", "jp", "cn", "cn", "de")]
    found = compare(answers("jp", "jp", "cn", "it"), people, BOOTSTRAP)
    assert found["agreement"]["pictures"] == 3
    assert found["agreement"]["value"] == pytest.approx(cohen_kappa_score(["jp", "cn", "it"], ["jp", "cn", "de"]))


def test_an_answer_among_other_regions_is_another_questions() -> None:
    found = compare(answers("jp"), person("a", "jp", options=["jp", "nl"]), BOOTSTRAP)
    assert (found["people"], found["other_options"], found["reason"]) == (None, 1, NOBODY.format(project="questions"))


def test_regions_that_differ_do_not_widen_the_judges_interval() -> None:
    """Of 20 pictures of jp 19 are right, of 20 of it one is."""
    rows = [
        {"prompt_id": name(20 * (region == "it") + n), "seed": 0, "region": region, "options": OPTIONS,
         "answer": region if n < right else "de"}
        for region, right in (("jp", 19), ("it", 1)) for n in range(20)
    ]  # fmt: skip
    found = compare(rows, [], BOOTSTRAP)["judge"]
    assert found["value"] == 0.5
    assert found["high"] - found["low"] < 0.2  # 0.3 where all 40 are drawn together


def test_without_people_there_is_the_judge_alone_and_the_way_to_get_some() -> None:
    found = compare(answers("jp", "cn"), [], BOOTSTRAP)
    assert found["judge"]["value"] == 0.5
    assert (found["people"], found["difference"], found["agreement"]) == (None, None, None)
    assert "annotate push --project questions" in found["reason"]
