"""The paired test and its correction, against scipy, statsmodels, and the truth of simulated runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from culturebench.measures.paired_test import SignFlip, _statistic, holm
from culturebench.measures.statistics import Scores
from culturebench.measures.units import Drawn

TEST = SignFlip(permutations=4000, seed=0)


def paired(differences: NDArray[Any]) -> tuple[Scores, Scores]:
    """Scores whose differences these are, one row of them a prompt."""
    rows = differences.reshape(len(differences), -1)
    scores = {(f"p{i:04d}", s): float(rows[i, s]) for i in range(len(rows)) for s in range(rows.shape[1])}
    return scores, dict.fromkeys(scores, 0.0)


def p_of(differences: NDArray[Any], test: SignFlip = TEST) -> float:
    found = test.p_value(*paired(differences))
    assert found is not None
    return found


def theirs(differences: NDArray[Any], resamples: Any) -> Any:
    return stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=resamples, rng=1
    ).pvalue


@pytest.mark.parametrize("prompts", [2, 5, 11])
def test_with_few_prompts_the_p_value_is_exact_and_scipys(prompts: int) -> None:
    differences = np.random.default_rng(prompts).normal(0.4, 1, prompts)
    assert p_of(differences) == pytest.approx(theirs(differences, np.inf))


def test_with_many_prompts_it_agrees_with_scipys_own_draw() -> None:
    differences = np.random.default_rng(0).normal(0.25, 1, 60)
    assert p_of(differences) == pytest.approx(theirs(differences, 20000), abs=0.01)


def test_a_drawn_p_value_is_never_below_one_of_the_patterns_and_the_observed_one() -> None:
    assert p_of(np.ones(60)) == 1 / (1 + TEST.permutations)


def test_equal_differences_are_ties_and_count_as_extreme() -> None:
    answers = np.array([1, 1, 0, 0, -1, 1, 0, 0.0])
    assert p_of(answers) == pytest.approx(theirs(answers, np.inf))


def test_more_pictures_of_a_prompt_are_no_more_evidence_than_the_prompt() -> None:
    differences = np.random.default_rng(5).normal(0.5, 1, (10, 1))
    once, often = p_of(differences), p_of(np.repeat(differences, 8, axis=1))
    assert once == pytest.approx(often)


def test_only_pictures_that_both_have_are_compared() -> None:
    scores, reference = {("a", 0): 1.0, ("b", 0): 1.0}, {("a", 0): 0.0, ("c", 0): 1.0}
    assert TEST.p_value(scores, reference) == 1.0  # one prompt is no evidence
    assert TEST.p_value({("a", 0): 1.0}, {("b", 0): 1.0}) is None


@pytest.mark.parametrize("seed", range(5))
def test_holms_correction_is_that_of_statsmodels(seed: int) -> None:
    p_values = np.random.default_rng(seed).beta(0.4, 2, 14).round(3)
    assert holm(list(p_values)) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_nothing_to_correct_is_nothing() -> None:
    assert holm([]) == []


def test_without_an_effect_a_family_has_a_false_finding_in_at_most_five_percent_of_runs() -> None:
    """Ten conditions share one reference, and the pictures of a prompt share its difficulty, as in a real run."""
    rng, runs, test = np.random.default_rng(7), 200, SignFlip(permutations=1000, seed=0)
    false = 0
    for _ in range(runs):
        rate = rng.beta(1, 3, (40, 1))
        reference = rng.random((40, 4)) < rate
        p_values = [p_of((rng.random((40, 4)) < rate) * 1.0 - reference, test) for _ in range(10)]
        false += min(holm(p_values)) <= 0.05
    assert false / runs <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5


def test_an_effect_is_found() -> None:
    rng = np.random.default_rng(8)
    rate = rng.beta(1, 3, (40, 1))
    difference = (rng.random((40, 4)) < rate + 0.25) * 1.0 - (rng.random((40, 4)) < rate)
    assert holm([p_of(difference), *[0.5] * 9])[0] < 0.01


def test_the_statistic_is_the_sum_over_its_standard_error_within_strata() -> None:
    dice, sizes = np.random.default_rng(0), (3, 2, 5)
    signs, differences = dice.choice([-1.0, 1.0], (6, sum(sizes))), dice.normal(0, 1, sum(sizes))
    found = _statistic(signs, differences, Drawn({}, sizes))
    for pattern, value in zip(signs * differences, found, strict=True):
        parts = np.split(pattern, np.cumsum(sizes)[:-1])
        error = sum(len(part) * part.var(ddof=1) for part in parts) ** 0.5
        assert value == pytest.approx(abs(pattern.sum()) / error, rel=1e-6)
