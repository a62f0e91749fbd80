"""Krippendorff's alpha against its author's package and example, and its interval against planted agreement."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest

from culturebench.measures.alpha import Level, alpha_interval, krippendorff_alpha


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
@pytest.mark.parametrize("labels", [2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_that_of_the_krippendorff_package(seed: int, labels: int, level: Level):
    dice = np.random.default_rng(seed)
    truth = dice.integers(0, labels, 80)
    table = np.where(dice.uniform(size=(4, 80)) < 0.7, truth, dice.integers(0, labels, (4, 80))).astype(float)
    table[dice.uniform(size=table.shape) < 0.3] = np.nan
    theirs = krippendorff.alpha(reliability_data=table, level_of_measurement=level)
    ours = krippendorff_alpha([[value for value in column if not np.isnan(value)] for column in table.T], level)
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_alpha_of_the_published_example_is_0_743():
    # Krippendorff (2011), section C: four observers, twelve units, nominal data with missing answers.
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    units = [[row[unit] for row in observers if row[unit] is not None] for unit in range(12)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_nothing_to_compare_is_none():
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([["keep"], ["reject"]]) is None
    assert krippendorff_alpha([["keep", "keep"], ["keep", "keep"]]) is None


def test_the_interval_holds_the_alpha_of_all_units_in_most_samples_of_them():
    dice = np.random.default_rng(0)

    def units(count: int) -> list[list[int]]:
        truth = dice.integers(0, 4, count)
        return np.where(dice.uniform(size=(3, count)) < 0.7, truth, dice.integers(0, 4, (3, count))).T.tolist()

    whole = krippendorff_alpha(units(40_000))
    found = [alpha_interval(units(120), "nominal", 300, 0, 0.95) for _ in range(200)]
    held = sum(low <= whole <= high for low, high in found if whole is not None)
    assert 0.90 <= held / len(found) <= 0.98


def test_there_is_no_interval_of_one_unit():
    assert alpha_interval([[1, 2]], "nominal", 200, 0, 0.95) is None
