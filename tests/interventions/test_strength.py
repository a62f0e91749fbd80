"""The rule that chooses lambda, on made-up curves."""

from __future__ import annotations

import pytest

from culturebench.interventions.strength import Point, choose_strength, describe, mark_allowed, score, standard_error
from culturebench.measures.statistics import Bootstrap


def curve(*points: tuple[float, float, float, float | None]) -> list[Point]:
    """Points of (lambda, accuracy, standard error, share of right objects)."""
    return [Point(lam, acc, acc, acc, error, right, True, 60, 60) for lam, acc, error, right in points]


def test_the_smallest_lambda_within_one_standard_error_of_the_best_is_chosen():
    assert choose_strength(curve((0, 0.20, 0.02, 1), (2, 0.47, 0.02, 1), (4, 0.49, 0.02, 1), (6, 0.50, 0.02, 1))) == 4


def test_a_lambda_whose_pictures_lose_the_object_is_never_chosen():
    points = mark_allowed(curve((0, 0.2, 0.02, 0.95), (2, 0.3, 0.02, 0.91), (6, 0.9, 0.02, 0.90)), share=0.95)
    assert [point.allowed for point in points] == [True, True, False]
    assert choose_strength(points) == 2


def test_when_no_edit_beats_none_the_strength_is_0_and_that_is_said():
    found = describe(mark_allowed(curve((0, 0.2, 0.03, 1), (2, 0.22, 0.03, 1), (4, 0.9, 0.03, 0.1)), share=0.95))
    assert (found["strength"], found["found"]) == (0, False)
    assert len(found["curve"]) == 3


def test_where_no_object_is_known_every_lambda_is_allowed():
    assert all(point.allowed for point in mark_allowed(curve((0, 0.2, 0, None), (2, 0.3, 0, None)), share=0.95))


def test_the_standard_error_counts_prompts_and_not_pictures():
    once = {("a", 0): 1.0, ("b", 0): 0.0, ("c", 0): 1.0}
    thrice = {(prompt, seed): value for (prompt, _), value in once.items() for seed in range(3)}
    assert standard_error(thrice) == pytest.approx(standard_error(once)) == pytest.approx(1 / 3)
    assert standard_error({("a", 0): 1.0, ("a", 1): 0.0}) == 0.0


def test_a_point_counts_right_regions_and_right_objects():
    pictures = [{"prompt_id": name, "seed": 0, "object": "vase"} for name in ("a", "b")]
    answers = [
        {"prompt_id": "a", "seed": 0, "region": "jp", "answer": "jp", "object": "vase"},
        {"prompt_id": "b", "seed": 0, "region": "nl", "answer": "jp", "object": "bowl"},
    ]
    point = score(2.0, pictures, answers, Bootstrap(200, 0, 0.95))
    assert (point.accuracy, point.alignment, point.n_prompts, point.n_images) == (0.5, 0.5, 2, 2)
    assert point.low is not None and point.high is not None
    assert 0 <= point.low < 0.1 and 0.9 < point.high <= 1  # two prompts say little


def test_regions_that_differ_do_not_widen_a_points_interval():
    """Of 20 prompts of jp 19 are right, of 20 of nl one is: half of all, and little spread within a region."""
    answers = [
        {"prompt_id": f"{region} {n}", "seed": 0, "region": region, "answer": region if n < right else "it",
         "object": ""}
        for region, right in (("jp", 19), ("nl", 1)) for n in range(20)
    ]  # fmt: skip
    point = score(2.0, answers, answers, Bootstrap(1000, 0, 0.95))
    assert point.accuracy == 0.5
    assert point.low is not None and point.high is not None
    assert point.high - point.low < 0.2  # 0.3 where all 40 are drawn together


def test_pictures_without_a_known_object_leave_the_alignment_open():
    answers = [{"prompt_id": "a", "seed": 0, "region": "jp", "answer": "jp", "object": "vase"}]
    point = score(2.0, [{"prompt_id": "a", "seed": 0, "object": ""}], answers, Bootstrap(200, 0, 0.95))
    assert point.alignment is None
