"""Intervals and tests by prompt within regions and by region, against statsmodels, scipy, and simulated runs."""

from __future__ import annotations

from itertools import product
from statistics import variance

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmarks.coverage import (
    BOOTSTRAP,
    BY_PROMPT,
    BY_REGION,
    COLUMNS,
    PROMPTS,
    REGION_OF,
    REGIONS,
    SEEDS,
    TEST,
    Case,
    page,
    scores,
    simulated,
)
from culturebench.measures.intervals import bonett_price, design_effect, expanded_tail, student, wilson
from culturebench.measures.statistics import Bootstrap
from culturebench.measures.units import Units


def test_by_prompt_the_sum_is_weighed_by_its_spread_within_regions_under_every_pattern_of_signs() -> None:
    changes = [-0.5, -0.5, -0.25, 1.0, 0.75, 1.25]  # of two regions' three prompts each

    def studentised(signs: tuple[int, ...]) -> float:
        signed = [sign * change for sign, change in zip(signs, changes, strict=True)]
        return abs(sum(signed)) / (3 * variance(signed[:3]) + 3 * variance(signed[3:])) ** 0.5

    observed = studentised((1,) * 6)
    expected = np.mean([studentised(signs) >= observed - 1e-6 for signs in product((1, -1), repeat=6)])
    keys = [(f"{r:02d}-{p}", 0) for r, p in product(range(2), range(3))]
    changed, before = dict(zip(keys, changes, strict=True)), dict.fromkeys(keys, 0.0)
    assert TEST.p_value(changed, before, BY_PROMPT) == pytest.approx(expected) == 0.09375


def test_words_that_two_regions_share_are_one_piece_of_evidence_in_intervals_and_in_the_test() -> None:
    once = {(f"es {n}", seed): float((n * 7 + seed) % 3 == 0) for n in range(8) for seed in (0, 1)}
    before = dict.fromkeys(once, 0.0)
    twice = once | {(f"mx {prompt[3:]}", seed): score for (prompt, seed), score in once.items()}
    regions = {prompt: prompt[:2] for prompt, _ in twice}
    one = Units("prompt", regions)
    shared = Units("prompt", regions, {prompt: f"es {prompt[3:]}" for prompt in regions})
    alone, told = BOOTSTRAP.mean(once, one, share=True), BOOTSTRAP.mean(twice, shared, share=True)
    assert (told.value, told.low, told.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert (told.n_prompts, alone.n_prompts) == (8, 8)
    assert TEST.p_value(twice, dict.fromkeys(twice, 0.0), shared) == TEST.p_value(once, before, one)
    naive = BOOTSTRAP.mean(twice, one, share=True)
    assert naive.low and told.low and naive.low > told.low, "counted twice, the interval would be too narrow"


def test_regions_that_share_words_are_one_stratum_and_the_others_stay_apart() -> None:
    regions = {"a": "es", "b": "es", "c": "mx", "d": "mx", "e": "jp", "f": "jp", "g": "pt", "h": "pt"}
    drawn = Units("prompt", regions, {"c": "a", "a": "a"}).of(regions)
    assert sorted(drawn.sizes) == [2, 2, 3] and drawn.index["a"] == drawn.index["c"]
    assert drawn.freedom == 4, "seven different prompts in three strata"
    through = Units("prompt", regions, {"c": "a", "d": "g"}).of(regions)
    assert sorted(through.sizes) == [2, 4], "Spain and Portugal, through Mexico"
    assert Units("region", regions, {"c": "a"}).of(regions).count == 4


def test_the_closed_intervals_are_those_of_other_libraries_and_of_the_paper() -> None:
    z = stats.norm.ppf(0.975)
    for right, n in ((0, 4), (3, 16), (16, 16)):
        assert wilson(right / n, n, z) == pytest.approx(proportion_confint(right, n, 0.05, "wilson"), abs=1e-9)
    values = [0.1, 0.4, 0.35, 0.8]
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert student(values, 0.025) == pytest.approx((theirs.low, theirs.high))
    assert expanded_tail(0.025, 10**7) == pytest.approx(0.025, abs=1e-6)
    # of 20 pairs 8 gained and 1 lost: with the two that are added, 9 and 2 of 22
    up, down = 9 / 22, 2 / 22
    half = z * ((up + down - (up - down) ** 2) / 22) ** 0.5
    assert bonett_price(7 / 20, 9 / 20, 20, z) == pytest.approx((up - down - half, up - down + half))


def test_pictures_that_are_all_alike_count_once_and_independent_ones_each() -> None:
    rng = np.random.default_rng(0)
    alike = {str(r): [np.full(4, float(x)) for x in rng.integers(0, 2, 20)] for r in range(10)}
    apart = {str(r): [rng.integers(0, 2, 4).astype(float) for _ in range(20)] for r in range(10)}
    assert design_effect(alike) == pytest.approx(4, rel=0.05)
    assert design_effect(apart) == pytest.approx(1, rel=0.15)
    assert design_effect({"a": [np.ones(4)] * 3}) == 4  # where nothing varies, prompts count and not pictures


def test_resampling_within_regions_has_the_variance_of_a_stratified_mean() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (REGIONS, PROMPTS, 1)) + rng.normal(0, 3, (REGIONS, 1, 1)) + np.zeros(SEEDS)
    error = float((values[..., 0].var(axis=1, ddof=1) / PROMPTS).mean() / REGIONS) ** 0.5
    found = Bootstrap(20000, 0, 0.95).mean(scores(values), BY_PROMPT)
    assert found.low is not None and found.high is not None
    half = stats.t.ppf(0.975, REGIONS * (PROMPTS - 1)) * error
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.03)


def test_a_region_with_one_prompt_is_drawn_with_others_like_it() -> None:
    units = Units("prompt", {"a": "x", "b": "y", "c": "z", "d": "z"})
    assert units.of("abcd").sizes == (2, 2) and units.of("acd").sizes == (3,) and units.of("a").freedom == 0


def test_a_full_agreement_has_an_interval_and_one_that_chance_gives_has_none() -> None:
    said = {(prompt, s): region for prompt, region in REGION_OF.items() for s in range(SEEDS)}
    full = BOOTSTRAP.kappa(said, said, BY_PROMPT)
    assert full and full.value == full.high == 1 and full.low is not None and 0.9 < full.low < 1
    certain = BOOTSTRAP.kappa(dict.fromkeys(said, "jp"), dict.fromkeys(said, "jp"), BY_PROMPT)
    assert certain and (certain.value, certain.low) == (1, None)


OFTEN, RARELY = Case("often", -0.8, 1.0), Case("rarely", -4.0, 0.5)
RAISED, LOWERED = Case("rarely, and often", -4.0, 4.0), Case("almost always, and rarely", 2.5, -4.0)


@pytest.mark.parametrize("new", [False, True], ids=["these regions", "regions like these"])
@pytest.mark.parametrize("case", [OFTEN, RARELY, RAISED, LOWERED], ids=lambda case: case.name)
def test_intervals_cover_the_truth_as_often_as_they_say(case: Case, new: bool) -> None:
    """`python -m benchmarks.coverage` tells it of more kinds and a thousand runs each."""
    found = simulated(case, 60, np.random.default_rng(int(new)), new=new)
    assert found["region's share"] >= 0.93 and found["region's change"] >= 0.93  # 900 intervals each
    assert found["share"] >= 0.87 and found["change"] >= 0.87  # 60: within two standard errors of 0.93


@pytest.mark.parametrize("new", [False, True], ids=["these regions", "regions like these"])
def test_without_an_effect_the_test_errs_as_often_as_it_says(new: bool) -> None:
    case = Case("no effect", 0.0, 0.0, edits=1.0 if new else 0.0)
    found = simulated(case, 100, np.random.default_rng(5), new=new)
    assert found["rejected"] <= 0.05 + 2 * (0.05 * 0.95 / 100) ** 0.5


def test_a_rare_changes_interval_is_wider_than_resamples_and_a_common_ones_is_as_wide() -> None:
    """Of 15 regions by 16 pictures: one picture more in each of two regions, or half of the pictures of all."""
    plain, rare = np.zeros((REGIONS, PROMPTS, SEEDS)), np.zeros((REGIONS, PROMPTS, SEEDS))
    rare[:2, 0, 0] = 1
    common = np.random.default_rng(0).random(plain.shape) < 0.5
    widths: list[float] = []
    for edited in (rare, common):
        closed, resampled = (
            BOOTSTRAP.difference(scores(edited), scores(plain), BY_REGION, share=share) for share in (True, False)
        )
        assert closed and closed.low is not None and closed.high is not None
        assert resampled and resampled.low is not None and resampled.high is not None
        widths.append((closed.high - closed.low) / (resampled.high - resampled.low))
    assert widths[0] > 1.2 and widths[1] == pytest.approx(1, abs=0.1)


def test_the_page_has_a_row_for_each_kind_and_says_where_an_effect_was_found_that_is_none() -> None:
    found = dict.fromkeys([*COLUMNS, "rejected"], 0.5)
    lines = page([(RARELY, True, found), (Case("nothing", 0.0, 0.0, edits=0.0), False, found)], 100).splitlines()
    assert lines[-2] == "| rarely | regions like these | 50.0% | 50.0% | 50.0% | 50.0% |  |"
    assert lines[-1] == "| nothing | these regions | 50.0% | 50.0% | 50.0% | 50.0% | 50.0% |"
