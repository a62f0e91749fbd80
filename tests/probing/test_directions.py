"""Means of prompts by subdivision, against closed forms."""

from __future__ import annotations

import numpy as np
import torch

from culturebench.probing.attention import Prompt
from culturebench.probing.directions import WHOLE, groups, mean_differences, pooled_features
from culturebench.probing.features import feature_batches
from culturebench.probing.levels import level_rows, part_means
from culturebench.probing.selection import Settings, by_weighted_frequency
from small_encoder import SmallEncoder


def test_a_subdivision_with_too_few_prompts_has_no_mean_of_its_own() -> None:
    names = ["a", "b", "a", "", "b", "a", "", ""]
    assert groups(names, 2) == {"a": [0, 2, 5], "b": [1, 4]}
    assert groups(names, 3) == {"a": [0, 2, 5]}
    assert groups(names, 4) == {WHOLE: list(range(8))}


def test_the_planted_direction_of_each_subdivision_is_found_from_either_noun() -> None:
    generator = np.random.default_rng(0)
    plain = generator.normal(size=(6, 4))
    planted = {"a": np.array([1.0, 0, 0, 0]), "b": np.array([0, 2.0, 0, 0])}
    cultural = plain + np.array([planted["a" if row % 2 else "b"] for row in range(6)])
    english = cultural - 3.0
    english[0] = np.nan  # a row without an English noun
    rows = mean_differences(1, "jp", {"a": [1, 3, 5], "b": [0, 2, 4]}, cultural, {"noun": plain, "noun_en": english})
    found = {(row["subdivision"], row["caption"]): row for row in rows}
    for name, direction in planted.items():
        np.testing.assert_allclose(found[name, "noun"]["vector"], direction, atol=1e-12)
        np.testing.assert_allclose(found[name, "noun_en"]["vector"], [3.0] * 4)
    assert [found["b", caption]["n_prompts"] for caption in ("noun", "noun_en")] == [3, 2]


def test_without_any_english_noun_there_is_no_direction_from_it() -> None:
    features = np.ones((2, 3))
    rows = mean_differences(1, "jp", {WHOLE: [0, 1]}, features, {"noun": 0 * features, "noun_en": np.nan * features})
    assert [row["caption"] for row in rows] == ["noun"]


def test_a_prompts_feature_is_the_mean_over_the_tokens_that_stand_for_it() -> None:
    encoder = SmallEncoder()
    prompts = [Prompt("a seigaiha vase", (11, 15), (2, 10), False), Prompt("vase", (0, 4), None, False)]
    batches = list(feature_batches(encoder, 1, [prompt.text for prompt in prompts], 2))
    found = pooled_features(batches, prompts, positions="modifier_noun", causal=False)
    tokens, features = batches[0].tokens, batches[0].features
    for row, spans in enumerate(([(2, 10), (11, 15)], [(0, 4)])):
        chosen = sorted({at for span in spans for at in tokens.positions(row, *span)})
        torch.testing.assert_close(torch.from_numpy(found[row]).float(), features[row, chosen].mean(dim=0))


def test_levels_are_of_culture_neurons_and_on_request_of_the_latents_that_all_nouns_share() -> None:
    """Latent 0 is the language's, 1 and 2 are each one subdivision's, 3 is a rare word's."""
    cultural = np.array([[4.0, 2, 0, 0], [4, 4, 0, 0], [2, 0, 6, 0], [2, 0, 6, 1]])
    noun = np.array([[3.0, 0, 0, 0], [3, 0, 0, 0], [3, 0, 0, 1], [3, 0, 0, 0]])
    found = by_weighted_frequency(cultural, noun, Settings(0.0, 1e-8, min_k=2, max_k=2, drop_first=True))
    assert list(np.flatnonzero(found.selected)) == [1, 2]
    means = part_means(cultural, {"a": [0, 1], "b": [2, 3]})

    def levels(language: float | None) -> dict[tuple[str, int], float]:
        rows = level_rows(0, "jp", means, found, language)
        return {(row["subdivision"], row["latent"]): row["level"] for row in rows}

    alone = {("a", 1): 3.0, ("a", 2): 0.0, ("b", 1): 0.0, ("b", 2): 6.0}
    assert levels(None) == alone
    assert levels(0.5) == alone | {("a", 0): 4.0, ("b", 0): 2.0}
