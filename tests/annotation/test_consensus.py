"""Verdicts and agreement against other people's implementations, and against a planted truth."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from culturebench.annotation.agreement import agreement
from culturebench.annotation.consensus import UNDECIDED, Verdict, at_least, category_of, majority, weighed
from culturebench.annotation.dawid_skene import keep_probabilities
from culturebench.annotation.decisions import Decision
from culturebench.annotation.gold import read_gold
from culturebench.annotation.lines import AnnotationError


def decision(picture: int, annotator: str, keep: bool) -> Decision:
    verdict, reason = ("keep", "") if keep else ("reject", "stereotype")
    return Decision(picture_id=f"{picture:064x}", annotator=annotator, verdict=verdict, reason=reason)


GUESSING = (0.95, 0.9, 0.6, 0.55, 0.5)
RELIABLE = (0.95, 0.9, 0.85, 0.8, 0.75)


def crowd(
    seed: int, reliability: tuple[float, ...], pictures: int = 300
) -> tuple[dict[str, list[Decision]], dict[str, bool]]:
    """Five annotators of known reliability; some pictures lack an annotator."""
    dice = np.random.default_rng(seed)
    decisions: dict[str, list[Decision]] = {}
    truth: dict[str, bool] = {}
    for number in range(pictures):
        keep = bool(dice.uniform() < 0.6)
        said = [
            decision(number, f"ann-{who}", keep if dice.uniform() < right else not keep)
            for who, right in enumerate(reliability)
            if dice.uniform() < 0.9
        ]
        name = f"{number:064x}"
        truth[name] = keep
        if said:
            decisions[name] = said
    return decisions, truth


@pytest.mark.parametrize("seed", range(2))
def test_weighing_gives_the_probabilities_that_crowd_kit_gives(seed: int):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from crowdkit.aggregation import DawidSkene
    decisions, _ = crowd(seed, RELIABLE)
    table = pd.DataFrame(
        [(d.picture_id, d.annotator, d.verdict) for each in decisions.values() for d in each],
        columns=["task", "worker", "label"],
    )
    theirs = DawidSkene(n_iter=500, tol=1e-9).fit_predict_proba(table)["keep"]
    ours = keep_probabilities(decisions)
    assert max(abs(ours[name] - theirs[name]) for name in ours) < 0.01
    assert sum((ours[name] > 0.5) == (theirs[name] > 0.5) for name in ours) == len(ours)


def test_weighing_is_right_more_often_than_counting_when_some_annotators_guess():
    counted = weighted = 0
    for seed in range(3):
        decisions, truth = crowd(seed, GUESSING)
        keep = keep_probabilities(decisions)
        for name, each in decisions.items():
            counted += majority(each, 1).kept == truth[name]
            weighted += weighed(each, 1, keep[name]).kept == truth[name]
    assert weighted > counted + 20


def test_weighing_a_single_voice_or_none_gives_no_error():
    assert keep_probabilities({}) == {}
    assert keep_probabilities({"a": [], "b": [decision(1, "x", True)]}) == {"b": pytest.approx(1.0)}


def test_each_annotator_is_counted_on_known_pictures_alone():
    decisions = {f"{n:064x}": [decision(n, "good", True), decision(n, "bad", n % 2 == 0)] for n in range(4)}
    found = agreement(decisions, {f"{n:064x}": "keep" for n in range(3)})
    assert found["annotators"] == {
        "bad": {"decisions": 4, "gold": 3, "gold_right": 2},
        "good": {"decisions": 4, "gold": 3, "gold_right": 3},
    }
    assert found["pictures"] == 4


def test_a_verdict_below_the_least_agreement_is_none():
    kept = Verdict(True, "", "delft", 2 / 3, 3)
    assert at_least(kept, 0.6) == kept
    assert (at_least(kept, 0.7).kept, at_least(kept, 0.7).reason) == (False, UNDECIDED)


def test_equal_probabilities_and_too_few_decisions_decide_nothing():
    one = [decision(1, "x", True)]
    assert weighed(one, 2, 0.99).reason == weighed(one, 1, 0.5).reason == UNDECIDED
    assert weighed(one, 1, 0.9).kept
    assert not weighed([*one, decision(1, "y", False)], 2, 0.2).kept


@pytest.mark.parametrize("line", ['{"picture_id": "x", "verdict": "keep"}', '{"picture_id": "' + "a" * 64 + '"}', "["])
def test_a_wrong_line_of_known_answers_is_named(tmp_path, line: str):
    path = tmp_path / "jp.jsonl"
    path.write_text(line)
    with pytest.raises(AnnotationError, match=r"jp\.jsonl:1"):
        read_gold(path)
    path.write_text(2 * ('{"picture_id": "' + "a" * 64 + '", "verdict": "keep"}\n'))
    with pytest.raises(AnnotationError, match="second line"):
        read_gold(path)


def test_a_pictures_category_is_what_most_of_those_who_keep_it_say() -> None:
    def said(verdict: str, category: str, number: int) -> Decision:
        reason = "" if verdict == "keep" else "low_quality"
        return Decision.model_validate(
            {
                "picture_id": "0" * 64,
                "annotator": str(number),
                "verdict": verdict,
                "reason": reason,
                "category": category,
            }
        )

    votes = [("keep", "food"), ("keep", ""), ("reject", "crafts"), ("reject", "crafts")]
    assert category_of([said(*vote, number) for number, vote in enumerate(votes)]) == "food"
    assert category_of([said("reject", "crafts", 0), said("keep", "", 1)]) == category_of([]) == ""
