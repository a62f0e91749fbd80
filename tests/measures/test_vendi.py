"""The Vendi score against its closed forms, and its authors' package where that still runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from culturebench.measures.scorers.vendi_score import vendi_score

VENDI = 1.8878291


@pytest.mark.parametrize("count", [2, 5])
def test_equal_pictures_are_one_and_unlike_ones_are_as_many_as_they_are(count: int) -> None:
    assert vendi_score(F.normalize(torch.ones(count, 8), dim=1)) == pytest.approx(1)
    assert vendi_score(torch.eye(8)[:count]) == pytest.approx(count)


@pytest.mark.parametrize("cosine", [0.0, 0.3, 0.9])
def test_two_pictures_score_by_the_entropy_of_their_cosine(cosine: float) -> None:
    """The eigenvalues of [[1, c], [c, 1]] / 2 are (1 ± c) / 2."""
    vectors = torch.tensor([[1.0, 0.0], [cosine, (1 - cosine**2) ** 0.5]])
    expected = np.exp(stats.entropy([(1 + cosine) / 2, (1 - cosine) / 2]))
    assert vendi_score(vectors) == pytest.approx(expected, rel=1e-6)


def test_the_score_is_that_of_the_authors_package() -> None:
    """score_dual of vendi-score 0.0.3; its score_K asks scipy for a module that is gone."""
    angles = torch.linspace(0, 2, 6)
    vectors = torch.stack([angles.cos(), angles.sin(), torch.zeros(6), angles], dim=1)
    assert vendi_score(F.normalize(vectors, dim=1)) == pytest.approx(VENDI, abs=1e-6)
