"""Intervals and tests by prompt within regions and by region, against statsmodels, scipy, and simulated runs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from statistics import variance
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from culturebench.measures.intervals import bonett_price, design_effect, expanded_tail, student, wilson
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.statistics import Bootstrap
from culturebench.measures.units import Units

BOOTSTRAP, TEST = Bootstrap(1000, 0, 0.95), SignFlip(1000, 0)
REGIONS, PROMPTS, SEEDS = 15, 4, 4  # as on the atlas
REGION_OF = {f"{r:02d}-{p}": f"{r:02d}" for r, p in product(range(REGIONS), range(PROMPTS))}
BY_PROMPT, BY_REGION = Units("prompt", REGION_OF), Units("region", REGION_OF)


def scores(values: NDArray[Any]) -> dict[tuple[str, int], float]:
    """Of values (regions, prompts, seeds)."""
    shape = (range(REGIONS), range(PROMPTS), range(SEEDS))
    return {(f"{r:02d}-{p}", s): float(values[r, p, s]) for r, p, s in product(*shape)}


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


def simulated(
    runs: int, rng: np.random.Generator, *, base: float, edit: float, regions: float, edits: float, new: bool
) -> Mapping[str, float]:
    """Shares of runs: intervals that cover the truth, and tests that reject, on logits with spread over regions.

    With `new` every run has other regions, and the truth is that of all regions; else all runs have the same.
    """
    some = rng.normal(0, 0.7, 4000)

    def truth(own: NDArray[Any], changed: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        logits = base + own[:, None] + some
        return _share(logits).mean(axis=1), _share(logits + edit + changed[:, None]).mean(axis=1)

    def drawn(count: int) -> tuple[NDArray[Any], NDArray[Any]]:
        own, changed = rng.normal(0, regions, count), rng.normal(0, edits, count)
        return own, changed - (0 if new else changed.mean())

    fixed, everywhere = drawn(REGIONS), truth(*drawn(1500))
    counts: dict[str, list[bool]] = {}
    for _ in range(runs):
        own, changed = drawn(REGIONS) if new else fixed
        here = truth(own, changed)
        before, after = (side.mean() for side in (everywhere if new else here))
        logits = (base + own[:, None] + rng.normal(0, 0.7, (REGIONS, PROMPTS)))[..., None]
        uniform = rng.random((2, REGIONS, PROMPTS, SEEDS))
        plain = scores(uniform[0] < _share(logits))
        edited = scores(uniform[1] < _share(logits + edit + changed[:, None, None]))
        units = BY_REGION if new else BY_PROMPT
        share, change = (
            BOOTSTRAP.mean(edited, units, share=True),
            BOOTSTRAP.difference(edited, plain, units, share=True),
        )
        assert change
        found = BOOTSTRAP.means_by_region(edited, BY_PROMPT, share=True)
        changes = BOOTSTRAP.differences_by_region(edited, plain, BY_PROMPT, share=True)
        cases = [("share", share, after), ("change", change, after - before)]
        for i, code in enumerate(sorted(set(REGION_OF.values()))):
            cases += [("region", found[code], here[1][i]), ("region's change", changes[code], here[1][i] - here[0][i])]
        for name, one, true in cases:
            assert one.low is not None and one.high is not None and one.high - one.low > 1e-6
            counts.setdefault(name, []).append(one.low <= true <= one.high)
        counts.setdefault("rejected", []).append((TEST.p_value(edited, plain, units) or 1.0) <= 0.05)
    return {name: float(np.mean(hits)) for name, hits in counts.items()}


def _share(logits: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("new", [False, True], ids=["these regions", "regions like these"])
@pytest.mark.parametrize(("base", "edit"), [(-0.8, 1.0), (-4.0, 0.5)], ids=["often", "rarely"])
def test_intervals_cover_the_truth_as_often_as_they_say(base: float, edit: float, new: bool) -> None:
    rng = np.random.default_rng(int(new))
    found = simulated(60, rng, base=base, edit=edit, regions=1.0, edits=0.7, new=new)
    assert found["region"] >= 0.93 and found["region's change"] >= 0.93  # 900 intervals each
    assert found["share"] >= 0.87  # 60: within two standard errors of 0.93
    if not (new and edit < 1):  # a rare change over few regions is skewed, and covered less often
        assert found["change"] >= 0.87


@pytest.mark.parametrize("new", [False, True], ids=["these regions", "regions like these"])
def test_without_an_effect_the_test_errs_as_often_as_it_says(new: bool) -> None:
    spread = 1.0 if new else 0.0
    found = simulated(100, np.random.default_rng(5), base=0.0, edit=0.0, regions=1.0, edits=spread, new=new)
    assert found["rejected"] <= 0.05 + 2 * (0.05 * 0.95 / 100) ** 0.5
