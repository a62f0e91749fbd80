"""The agreement of more than two judges."""

import pytest

from culturebench.measures.statistics import Bootstrap

BOOTSTRAP = Bootstrap(resamples=4000, seed=0, level=0.95)

#: Fleiss (1971), as https://en.wikipedia.org/wiki/Fleiss%27_kappa works it out: ten subjects, fourteen raters.
FLEISS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip


def test_the_kappa_of_many_judges_is_the_textbooks():
    votes = [[label for label, count in enumerate(row) for _ in range(count)] for row in FLEISS]
    raters = [{(f"p{i}", 0): str(row[rater]) for i, row in enumerate(votes)} for rater in range(14)]
    found = BOOTSTRAP.fleiss(raters)
    assert found is not None and found.low is not None and found.high is not None
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.low < found.value < found.high and found.n_images == 10


def test_the_kappa_of_many_judges_is_one_when_all_agree_and_takes_what_all_answered():
    twins = {("a", 0): "jp", ("b", 0): "nl"}
    found = BOOTSTRAP.fleiss([twins, twins, {**twins, ("c", 0): "jp"}])
    assert found is not None and found.value == pytest.approx(1)
    assert BOOTSTRAP.fleiss([twins, twins, {("c", 0): "jp"}]) is None
