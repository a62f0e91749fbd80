"""Intervals over prompts and people hold a planted truth, and those that take every answer for evidence do not."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from benchmarks.study_coverage import RATINGS, SHARES, covered
from culturebench.measures.two_way import TwoWay
from culturebench.study.simulate import Design, Planted, draw, truth_of

NUMBERS = TwoWay(300, 0, 0.95)


@pytest.mark.parametrize("planted", [SHARES, RATINGS], ids=["share", "rating"])
def test_the_planted_truth_is_inside_in_90_to_98_percent_and_the_naive_interval_fails_that(planted: Planted) -> None:
    found = covered(planted, Design(prompts=60, people=200, items=60, conditions=6), 200, NUMBERS)
    assert 0.90 <= found["two_way"] <= 0.98
    assert found["naive"] < 0.90


def test_the_standard_error_is_that_of_a_crossed_mixed_model() -> None:
    """Ratings with prompts and people as crossed variance components, by statsmodels."""
    ratios: list[float] = []
    rng = np.random.default_rng(3)
    for _ in range(4):
        noun, edited = draw(RATINGS, rng, Design(prompts=40, people=24, items=40, conditions=2))
        ours = NUMBERS.difference(edited, noun)
        assert ours is not None and ours.low is not None and ours.high is not None
        rows = [(*one, side) for side, said in enumerate((noun, edited)) for one in said]
        prompt, person, value, side = (np.array(column) for column in zip(*rows, strict=True))
        _, prompt = np.unique(prompt, return_inverse=True)
        _, person = np.unique(person, return_inverse=True)
        cell = prompt * 2 + side
        parts = [np.eye(codes.max() + 1)[codes] for codes in (prompt, person, cell)]
        model = sm.MixedLM(
            value.astype(float), sm.add_constant(side.astype(float)), groups=np.ones(len(value)),
            exog_vc={str(i): {1.0: part} for i, part in enumerate(parts)},
        )  # fmt: skip
        fitted = model.fit(reml=True)
        ratios.append((ours.high - ours.low) / 2 / 2.07 / fitted.bse[1])  # t of 23 degrees of freedom
        assert ours.value == pytest.approx(fitted.params[1], abs=2 * fitted.bse[1])
    assert 0.8 < np.mean(ratios) < 1.25


def test_a_share_that_nobody_varied_keeps_wilsons_interval_of_as_many_as_there_are_units() -> None:
    said = [(f"p{i}", f"u{j}", 1.0) for i in range(8) for j in range(5)]
    found = NUMBERS.mean(said, share=True)
    assert found is not None and found.low is not None
    assert found.high == 1 and 0.2 < found.low < 0.6 and (found.prompts, found.people, found.answers) == (8, 5, 40)


def test_one_person_alone_gives_a_value_without_an_interval() -> None:
    found = NUMBERS.difference([("a", "u", 1.0), ("b", "u", 0.0)], [("a", "u", 0.0), ("b", "u", 0.0)])
    assert found is not None and (found.value, found.low, found.p) == (0.5, None, None)
    assert NUMBERS.difference([("a", "u", 1.0)], [("b", "u", 0.0)]) is None
    assert NUMBERS.mean([]) is None


def test_no_effect_is_called_one_as_seldom_as_the_level_says() -> None:
    none = Planted("share", base=-1.1, gain=0.0, prompt=1.0, person=0.5, both=0.7)
    rng = np.random.default_rng(5)
    found = [
        NUMBERS.difference(edited, noun)
        for noun, edited in (draw(none, rng, Design(60, 40, 30, 6)) for _ in range(100))
    ]
    assert sum(one is not None and one.p is not None and one.p < 0.05 for one in found) <= 12
    assert truth_of(none) == pytest.approx(0, abs=1e-12)
