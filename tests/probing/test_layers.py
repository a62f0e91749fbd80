from functools import partial

import numpy as np
import pytest
import torch

from culturebench.probing.attention import DIRECTIONS, Prompt, cultural_attention
from culturebench.probing.layers import LayerTest, delta_curve, family_p, neighbour_excess
from culturebench.probing.pairs import Pair, differences, measure, pairs_of
from tests.support.small_encoder import WrittenEncoder

TEST = LayerTest(resamples=1000, seed=0, level=0.95, alpha=0.01, min_excess=0.05)


def caption(text, noun=None, modifier=None):
    spans = {"noun": noun, "modifier": modifier}
    found = {f"{n}_start": text.index(w) if w else -1 for n, w in spans.items()}
    ends = {f"{n}_end": text.index(w) + len(w) if w else -1 for n, w in spans.items()}
    return {"text": text, "language": "en", **found, **ends}


def row(picture, cultural, noun, neutral=None):
    return {"picture_id": picture, "region": "jp", "cultural": cultural, "noun": noun, "neutral": neutral}


def some_pairs(count):
    words = ["vase", "bowl", "door", "fan"]
    places = ["on a table", "near the old door step", "outside"]
    rows = [
        row(
            f"{i:03}",
            caption(f"a seigaiha {words[i % 4]} {places[i % 3]}", words[i % 4], "seigaiha"),
            caption(f"a {words[i % 4]} {places[i % 3]}", words[i % 4]),
            caption(f"a plain {words[i % 4]} {places[i % 3]}", words[i % 4], "plain") if i % 2 else None,
        )
        for i in range(count)
    ]
    return pairs_of(rows)[0]


def noisy_attention(seed, planted=None, strength=3.0):
    """Random attention; at the layer `planted`, the word `seigaiha` looks hard at what follows it."""
    generator = torch.Generator().manual_seed(seed)
    modifier = 3 + sum(map(ord, "seigaiha")) % 90

    def write(layer, tokens):
        batch, length = tokens.real.shape
        logits = torch.randn(batch, 2, length, length, generator=generator)
        if layer == planted:
            where = (tokens.ids == modifier).nonzero()
            for r, position in where.tolist():
                logits[r, :, position, position + 1] += strength
        return logits.masked_fill(~tokens.real[:, None, None, :], -torch.inf).softmax(dim=-1)

    return write


def marked_layer(encoder, pairs, reference="zero", direction="modifier_to_noun"):
    rows = measure(partial(cultural_attention, encoder, relative=True, batch_size=64), pairs).rows
    values = differences(rows, reference, direction, len(encoder.layers))
    return delta_curve(values, range(len(values)), encoder.last_upstream_layer + 1, TEST)


@pytest.mark.parametrize("planted", [0, 3, 5])
@pytest.mark.parametrize("reference", ["zero", "context", "neutral_modifier"])
def test_a_planted_layer_is_marked_under_every_reference(planted, reference):
    encoder = WrittenEncoder(6, noisy_attention(1, planted))
    curve = marked_layer(encoder, some_pairs(60), reference)
    assert curve.layer == planted


def test_a_null_encoder_has_a_layer_marked_in_at_most_5_percent_of_200_seeds():
    pairs = some_pairs(40)
    found = [marked_layer(WrittenEncoder(6, noisy_attention(seed)), pairs).layer for seed in range(200)]
    assert sum(layer is not None for layer in found) <= 10


def test_without_a_least_excess_the_family_wise_error_holds_all_the_same():
    strict = LayerTest(resamples=1000, seed=0, level=0.95, alpha=0.01, min_excess=0.0)
    rng = np.random.default_rng(0)
    found = [delta_curve(rng.standard_normal((60, 24)) + 1, range(60), 23, strict).marked.any() for _ in range(200)]
    assert sum(found) <= 10


def test_pairs_that_share_a_modifier_are_flipped_together():
    """What three words have in common is no evidence, though ninety pairs have it; by pair it would be marked."""
    words = np.repeat(np.arange(3), 30)
    values = np.zeros((90, 4))
    values[:, 2] = np.array([0.9, 1.0, 1.1])[words]
    assert delta_curve(values, range(90), 4, TEST).layer == 2
    curve = delta_curve(values, words.tolist(), 4, TEST)
    assert curve.layer is None
    # all three signs the same; with all of them turned, the neighbours stand out as far
    assert curve.p[2] == pytest.approx(2 / 8, abs=0.05)


def test_word_effects_are_no_false_marks_and_would_be_by_pair():
    rng = np.random.default_rng(3)
    words = np.repeat(np.arange(12), 8)
    found = {"word": 0, "pair": 0}
    for _ in range(200):
        values = rng.standard_normal((12, 6))[words] + 0.3 * rng.standard_normal((96, 6))
        for name, groups in (("word", words.tolist()), ("pair", range(96))):
            found[name] += bool((delta_curve(values, groups, 6, TEST).p <= TEST.alpha).any())
    assert found["word"] <= 10 < found["pair"]


def test_the_p_value_is_the_share_of_draws_whose_largest_score_is_as_large():
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((999, 3))
    largest = family_p(np.array([100.0, 0.0, -1.0]), drawn)
    assert largest[0] == pytest.approx(1 / 1000)
    assert largest[1] > 0.5 and largest[2] == pytest.approx(1, abs=0.01)


def test_the_excess_is_taken_over_both_neighbours_and_over_the_one_at_an_end():
    np.testing.assert_allclose(neighbour_excess(np.array([1.0, 4.0, 3.0])), [-3.0, 2.0, -1.0])


def test_a_peak_that_is_not_above_zero_is_none():
    values = np.tile([-3.0, -1.0, -3.0], (50, 1))
    curve = delta_curve(values, range(50), 3, TEST)
    assert curve.p[1] <= TEST.alpha and curve.layer is None


def test_a_layer_that_the_backbone_cannot_see_is_never_marked_nor_anyones_neighbour():
    encoder = WrittenEncoder(6, noisy_attention(1, planted=5), last_upstream_layer=4)
    curve = marked_layer(encoder, some_pairs(60))
    assert not curve.marked[5]
    assert curve.layer is None
    assert np.isnan(curve.excess[5])


def test_a_difference_too_small_to_matter_is_not_marked_however_certain():
    values = np.tile([1.0, 1.04, 1.0], (50, 1))
    assert delta_curve(values, range(50), 3, TEST).layer is None
    assert delta_curve(values + np.array([0, 0.1, 0]), range(50), 3, TEST).layer == 1


def test_two_runs_give_the_same_curve():
    values = np.random.default_rng(1).standard_normal((30, 5))
    first, second = delta_curve(values, range(30), 5, TEST), delta_curve(values, range(30), 5, TEST)
    np.testing.assert_array_equal(first.low, second.low)
    np.testing.assert_array_equal(first.high, second.high)


def test_pairs_without_spans_stay_out_with_a_reason():
    text = "a seigaiha vase"
    good, plain = caption(text, "vase", "seigaiha"), caption("a vase", "vase")
    rows = [
        row("1", good, plain),
        row("2", caption(text, "vase"), plain),
        row("3", good, caption("a vase")),
        row("4", caption(text, None, "seigaiha"), plain),
    ]
    pairs, dropped = pairs_of(rows)
    assert [pair.picture_id for pair in pairs] == ["1"]
    assert dropped == {"no_modifier_span": 1, "no_noun_span": 2}


def test_a_pair_whose_spans_share_one_token_is_dropped_and_counted():
    merged = Pair("x", "jp", Prompt("bluevase", (4, 8), (0, 4), False), Prompt("vase", (0, 4), None, False), None)
    measured = measure(
        partial(cultural_attention, WrittenEncoder(3, noisy_attention(0)), relative=True, batch_size=8),
        [merged, *some_pairs(3)],
    )
    assert measured.dropped == {"no_token": 1}
    assert {r["picture_id"] for r in measured.rows} == {"000", "001", "002"}


def test_a_pair_without_a_neutral_prompt_is_missing_under_that_reference_only():
    rows = measure(
        partial(cultural_attention, WrittenEncoder(3, noisy_attention(0)), relative=True, batch_size=8), some_pairs(6)
    ).rows
    for direction in DIRECTIONS:
        assert len(differences(rows, "neutral_modifier", direction, 3)) == 3
        assert len(differences(rows, "zero", direction, 3)) == 6
