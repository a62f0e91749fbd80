import numpy as np
import pytest
import torch
from kneed import KneeLocator

from culturebench.artifacts.neurons import decided
from culturebench.probing.attention import Prompt
from culturebench.probing.features import feature_batches, token_features
from culturebench.probing.pooling import pooled_latents
from culturebench.probing.sae import TopKSAE
from culturebench.probing.selection import (
    Settings,
    bounded_k,
    by_weighted_frequency,
    elbow,
    firing,
    ranks,
)
from small_encoder import SmallEncoder

SETTINGS = Settings(threshold=0.0, beta=1e-8, min_k=1, max_k=100)


def test_the_score_is_frequency_times_mean_where_it_fires():
    latents = np.array([[0.0, 2.0, 1.0], [4.0, 0.0, 1.0], [0.0, 0.0, 1.0], [2.0, 0.0, 1.0]])
    found = firing(latents, SETTINGS)
    np.testing.assert_allclose(found.frequency, [0.5, 0.25, 1.0])
    np.testing.assert_allclose(found.mean, [3.0, 2.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(found.score, [1.5, 0.5, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(ranks(found.score), [0, 2, 1])


def test_the_elbow_of_a_curve_with_a_corner_is_the_corner():
    assert elbow(np.array([10.0, 9.0, 8.0, 7.0, *[0.1] * 40])) == 4


def test_the_elbow_of_a_decay_is_where_its_slope_is_the_chords():
    steps, tau = 200, 12.0
    curve = np.exp(-np.arange(steps) / tau)
    expected = tau * np.log(steps / tau)  # y' = -1 with both axes scaled to 0..1
    found = elbow(curve)
    assert found is not None and abs(found - expected) <= 1


def test_the_elbow_is_kneedles_own_on_curves_of_random_scores():
    """Ours was the global maximum of the difference curve; kneed's is its first one that the sensitivity lets pass."""
    other = 0
    for seed in range(30):
        score = np.random.default_rng(seed).gamma(0.3, size=200)
        curve = np.sort(score)[::-1]
        wanted = KneeLocator(range(200), curve, curve="convex", direction="decreasing").knee
        assert wanted and elbow(score) == wanted
        y = (curve - curve[-1]) / (curve[0] - curve[-1])
        other += int(np.argmax(1 - np.linspace(0, 1, 200) - y)) != wanted
    assert other > 0


def test_a_curve_that_starts_with_a_plateau_has_its_elbow_behind_it_not_at_its_first_point():
    score = np.array([9.0, 9.0, 9.0, *[0.01] * 57])
    assert KneeLocator(range(60), score, curve="convex", direction="decreasing").knee == 0
    assert elbow(score) == 3


def test_bounds_limit_k_and_zeros_are_no_part_of_the_curve():
    score = np.array([10.0, 9.0, 8.0, 7.0, *[0.1] * 40])
    assert elbow(np.concatenate([score, np.zeros(500)])) == elbow(score) == 4
    assert bounded_k(score, SETTINGS) == 4
    assert bounded_k(score, Settings(0, 1e-8, 6, 10)) == 6
    assert bounded_k(score, Settings(0, 1e-8, 1, 2)) == 2


def test_without_an_elbow_all_that_fire_are_candidates_within_the_bounds():
    assert elbow(np.zeros(5)) is None and bounded_k(np.zeros(5), SETTINGS) == 1
    assert elbow(np.array([2.0, 2.0, 2.0, 0.0])) is None and bounded_k(np.array([2.0, 2.0, 2.0, 0.0]), SETTINGS) == 3
    assert elbow(np.arange(9.0, 0.0, -1.0)) is None


@pytest.mark.parametrize(
    ("k", "found", "name"), [(4, 4, "elbow"), (16, 4, "min_k"), (2, 4, "max_k"), (5, None, "no elbow")]
)
def test_a_bound_that_decides_is_told_from_the_elbow(k: int, found: int | None, name: str):
    assert decided(k, found) == name


def test_what_the_noun_side_ranks_high_too_is_dropped():
    rng = np.random.default_rng(0)
    cultural, noun = (rng.random((40, 60)) * 0.01 for _ in range(2))
    cultural[:, :6] += 3
    noun[:, 3:6] += 3
    found = by_weighted_frequency(cultural, noun, SETTINGS)
    assert np.flatnonzero(found.selected).tolist() == [0, 1, 2]
    assert set(range(6)) <= set(np.flatnonzero(found.candidate).tolist())


def test_dropping_first_finds_culture_behind_a_tier_of_strong_shared_latents():
    cultural, noun = np.full((5, 60), 0.01), np.full((5, 60), 0.01)
    cultural[:, :3], noun[:, :3] = 12, 9
    cultural[:, 3:7] = [1.5, 1.4, 1.3, 1.2]
    cultural[:, 7:20] = np.linspace(0.3, 0.02, 13)
    after = by_weighted_frequency(cultural, noun, Settings(0, 1e-8, 1, 3))
    before = by_weighted_frequency(cultural, noun, Settings(0, 1e-8, 1, 100, drop_first=True))
    assert not after.selected.any()
    assert np.flatnonzero(before.selected).tolist() == [3, 4, 5, 6]


def test_the_noun_sides_k_is_no_smaller_than_the_cultural_sides():
    cultural, noun = np.full((5, 20), 0.01), np.full((5, 20), 0.01)
    cultural[:, :6] = [9, 8, 7, 6, 5, 4]
    noun[:, :6] = [9, 0.2, 0.19, 0.005, 0.004, 0.003]
    found = by_weighted_frequency(cultural, noun, Settings(0, 1e-8, 3, 3))
    assert not found.selected.any()
    first = by_weighted_frequency(cultural, noun, Settings(0, 1e-8, 3, 3, drop_first=True))
    assert np.flatnonzero(first.selected).tolist() == [1, 2, 3]


def test_a_latent_that_never_fires_is_never_selected_whatever_the_bounds():
    cultural = np.zeros((5, 10))
    cultural[:, 0] = 1
    found = by_weighted_frequency(cultural, np.zeros((5, 10)), Settings(0, 1e-8, 4, 8))
    assert np.flatnonzero(found.selected).tolist() == [0]


@pytest.fixture
def sae():
    torch.manual_seed(0)
    made = TopKSAE(16, 64, 8)
    torch.nn.init.normal_(made.encoder)
    return made.requires_grad_(False)


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_latents_are_pooled_over_the_spans_tokens_or_taken_at_the_summary(sae: TopKSAE, pool: str):
    encoder = SmallEncoder()
    prompts = [
        Prompt("a seigaiha vase on a table", (11, 15), (2, 10), False),
        Prompt("vase", (0, 4), None, False),
        Prompt("a vase on the old table near the door", (2, 6), None, False),
    ]
    batches = list(feature_batches(encoder, 1, [p.text for p in prompts], 2))
    found = pooled_latents(sae, batches, prompts, positions="modifier_noun", pool=pool, causal=False)
    latents = sae.encode(batches[0].features[0, [2, 3]]).numpy()
    np.testing.assert_allclose(found[0], latents.max(0) if pool == "max" else latents.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found[2], sae.encode(batches[1].features[0, 2]).numpy(), rtol=1e-6)
    summary = pooled_latents(sae, batches, prompts, positions="summary", pool=pool, causal=False)
    np.testing.assert_allclose(summary[1], sae.encode(batches[0].features[1, 0]).numpy(), rtol=1e-6)


def test_features_are_the_attention_outputs_of_real_tokens_and_padding_changes_nothing():
    encoder = SmallEncoder()
    texts = ["a vase", "a vase on the old table near the door"]
    together = token_features(feature_batches(encoder, 1, texts, 2))
    alone = token_features(feature_batches(encoder, 1, texts, 1))
    assert together.shape == (4 + 11, 16)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
