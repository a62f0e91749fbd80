import random

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from culturebench.measures.statistics import Bootstrap, pooled
from culturebench.measures.units import Units

BOOTSTRAP = Bootstrap(resamples=4000, seed=0, level=0.95)


def test_the_interval_of_independent_prompts_agrees_with_scipy():
    values = np.random.default_rng(1).normal(0.3, 1.0, 200)
    ours = BOOTSTRAP.mean({(f"p{i:03d}", 0): float(v) for i, v in enumerate(values)})
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=2).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_pictures_of_one_prompt_are_no_independent_evidence():
    draws = np.random.default_rng(2).integers(0, 2, 60)
    once = BOOTSTRAP.mean({(f"p{i}", 0): float(v) for i, v in enumerate(draws)})
    copied = BOOTSTRAP.mean({(f"p{i}", seed): float(v) for i, v in enumerate(draws) for seed in range(5)})
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert (copied.n_prompts, copied.n_images, copied.seeds) == (60, 300, (0, 1, 2, 3, 4))


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(3), 0
    bootstrap = Bootstrap(resamples=500, seed=0, level=0.95)
    for _ in range(200):
        rates = rng.beta(2, 4, 80)  # prompts differ, the pictures of one prompt share its rate
        scores = {(f"p{i}", s): float(rng.random() < rates[i]) for i in range(80) for s in range(3)}
        estimate = bootstrap.mean(scores)
        hits += estimate.low <= 1 / 3 <= estimate.high
    assert 0.90 <= hits / 200 <= 0.99


def test_a_paired_difference_is_tighter_than_two_separate_intervals():
    rng = np.random.default_rng(4)
    base = {(f"p{i}", 0): float(v) for i, v in enumerate(rng.normal(size=100))}
    better = {key: value + 0.2 + 0.01 * rng.normal() for key, value in base.items()}
    delta = BOOTSTRAP.difference(better, base)
    assert delta.value == pytest.approx(0.2, abs=0.01)
    assert delta.high - delta.low < 0.02


def test_a_difference_uses_only_the_pictures_that_both_have():
    delta = BOOTSTRAP.difference({("a", 0): 1.0, ("b", 0): 1.0}, {("a", 0): 0.0, ("c", 0): 1.0})
    assert (delta.value, delta.n_images) == (1.0, 1)
    assert BOOTSTRAP.difference({("a", 0): 1.0}, {("b", 0): 0.0}) is None


def test_one_prompt_gives_a_value_without_an_interval():
    estimate = BOOTSTRAP.mean({("a", 0): 1.0, ("a", 1): 0.0})
    assert (estimate.value, estimate.low, estimate.high) == (0.5, None, None)


def test_kappa_is_one_for_twins_zero_for_chance_and_the_textbook_value_between():
    answers = {(f"p{i}", 0): "yes" if i % 2 else "no" for i in range(40)}
    assert BOOTSTRAP.kappa(answers, answers).value == pytest.approx(1)
    assert BOOTSTRAP.kappa(answers, dict.fromkeys(answers, "yes")).value == pytest.approx(0)
    table = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}  # Cohen's: 0.4
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    sides = [{(f"q{i}", 0): pair[side] for i, pair in enumerate(pairs)} for side in (0, 1)]
    assert BOOTSTRAP.kappa(*sides).value == pytest.approx(0.4)


def test_kappa_over_many_options_is_that_of_scikit_learn():
    draw = random.Random(0)
    options = ["jp", "nl", "cn", "unrecognizable", "unparseable"]
    first = {(f"p{i}", seed): draw.choice(options) for i in range(50) for seed in range(3)}
    second = {key: answer if draw.random() < 0.4 else draw.choice(options[:4]) for key, answer in first.items()}
    theirs = cohen_kappa_score(list(first.values()), list(second.values()))
    assert BOOTSTRAP.kappa(first, second).value == pytest.approx(theirs, abs=1e-12)


def test_pooling_averages_what_every_judge_scored():
    assert pooled([{("a", 0): 1.0, ("b", 0): 0.0}, {("a", 0): 0.0}]) == {("a", 0): 0.5}


class Counted(dict):
    """Scores that count how often all of them are gone through."""

    passes = 0

    def items(self):
        self.passes += 1
        return super().items()

    def __iter__(self):
        self.passes += 1
        return super().__iter__()


def test_a_hundred_regions_cost_no_more_passes_over_the_scores_than_two():
    for regions in (2, 100):
        units = Units("prompt", {f"{r:03d}-{p}": f"{r:03d}" for r in range(regions) for p in range(4)})
        scores = Counted({(prompt, 0): float(number % 3 == 0) for number, prompt in enumerate(units.regions)})
        found = BOOTSTRAP.means_by_region(scores, units, share=True)
        assert len(found) == regions
        assert scores.passes == 1
