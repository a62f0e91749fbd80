"""The whole rule: what it finds where culture was planted, and how seldom it finds anything where there is none."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from culturebench.probing.attention import DIRECTIONS, Prompt, cultural_attention
from culturebench.probing.layer_rule import judge_layers
from culturebench.probing.layer_verdict import LayerError, verdict
from culturebench.probing.layers import LayerTest
from culturebench.probing.pairs import Pair, measure
from culturebench.probing.placebos import Dealt, placebo_band, placebo_p, put, similar
from culturebench.probing.reinitialised import copies, deltas
from planted_attention import BRINGS, LAYERS, LOOKS, PLACEBOS, encoder, some_pairs
from small_encoder import SmallEncoder

TEST = LayerTest(resamples=499, seed=0, level=0.95, alpha=0.01, min_excess=0.05)
FRESH = 3000  # seeds that no other test has
DIRECTION = "modifier_to_noun"


def ruled(one: Any, pairs: list[Pair] | None = None, words: Any = None):
    pairs = pairs or some_pairs()
    read = partial(cultural_attention, one, relative=True, batch_size=400)
    compared = [pair for pair in pairs if pair.neutral is not None]
    pool = similar(one, compared, {"jp": PLACEBOS} if words is None else words, 1.5)
    found = read([placed.prompt for placed in pool.placed])
    return judge_layers(measure(read, pairs).rows, pairs, compared, pool, found, one.last_upstream_layer + 1, TEST)


@pytest.mark.parametrize("planted", [0, 3, 5])
def test_a_planted_layer_is_marked_beyond_placebos(planted: int):
    found = ruled(encoder(FRESH + planted, {planted: [LOOKS, BRINGS]}, 3.0))
    assert found.marks(DIRECTION)["neutral_modifier"] == planted
    assert found.placebo_p[DIRECTION][planted] <= 0.01


def test_encoders_that_know_no_culture_have_hardly_ever_a_layer_marked():
    """Nominal is one in a hundred; `benchmarks/layer_rule.py` measures the rate on many more."""
    ones = [encoder(FRESH + seed) for seed in range(15)] + [SmallEncoder(LAYERS, seed=FRESH + s) for s in range(15)]
    marked = [ruled(one).marks(DIRECTION) for one in ones]
    assert sum(marks["neutral_modifier"] is not None for marks in marked) <= 1
    assert sum(marks["zero"] is not None for marks in marked) > 3, "the paper's reading is no test of culture"


def test_a_layer_that_looks_at_any_modifier_is_marked_by_the_papers_reading_and_not_by_the_rule():
    any_modifier = [*LOOKS[0], *PLACEBOS, *("w" + chr(97 + i) for i in range(12))]
    marks = ruled(encoder(FRESH, {3: [(any_modifier, LOOKS[1])]})).marks(DIRECTION)
    assert marks["zero"] == 3 and marks["neutral_modifier"] is None


def test_without_placebo_words_or_neutral_captions_nothing_is_marked_and_the_reason_is_given():
    one = encoder(FRESH, {3: [LOOKS, BRINGS]})
    decide = partial(verdict, direction=DIRECTION, min_pairs=20, test=TEST, upstream=LAYERS - 1)
    without = ruled(one, words={})
    with pytest.raises(LayerError, match=r"no region has placebo modifiers .* name a layer in probe_layers.when_none"):
        decide(without, pairs=96, when_none="stop")
    gone_on = decide(without, pairs=96, when_none=4)
    assert (gone_on.layer, gone_on.significant) == (4, False)
    assert "zero marks the layer of index 3" in gone_on.disagreement
    bare = [Pair(p.picture_id, p.region, p.cultural, p.noun, None) for p in some_pairs()]
    with pytest.raises(LayerError, match="no pair has a neutral caption"):
        decide(ruled(one, bare), pairs=0, when_none="stop")
    with pytest.raises(LayerError, match="19 pairs have a neutral caption"):
        decide(ruled(one), pairs=19, when_none="stop")
    with pytest.raises(LayerError, match=r"when_none: 6 is no layer .* 0 to 5 are"):
        decide(without, pairs=96, when_none=6)
    whole = decide(ruled(one), pairs=96, when_none="stop")
    assert (whole.layer, whole.significant, whole.disagreement) == (3, True, "")


def test_the_deal_of_words_holds_its_level_with_few_words_where_sets_of_placebos_alone_would_not():
    """Twelve placebo and two cultural words in each of three regions, all drawn from one distribution."""
    rng = np.random.default_rng(1)
    dealt, sets = 0, 0
    for _ in range(200):
        regions = [Dealt(rng.standard_normal((2, 6)), rng.standard_normal((6, 6))) for _ in range(3)]
        dealt += bool((placebo_p(regions, 6, TEST) <= 0.05).any())
        cultural = np.mean([region.cultural.mean(axis=0) for region in regions], axis=0)
        sets += bool((cultural > placebo_band(regions, TEST)[2]).any())
    assert dealt <= 20  # 5% of 200, and twice its error
    assert sets > 30


def test_a_placebo_stands_where_the_cultural_modifier_stood():
    before = Pair("a", "jp", Prompt("kaa bowl, far", (4, 8), (0, 3), False), Prompt("bowl", (0, 4), None, False), None)
    behind = Pair("b", "de", Prompt("bowl in k", (0, 4), (5, 9), True), Prompt("bowl", (0, 4), None, True), None)
    for pair, word in ((before, "reddish"), (behind, "of wood")):
        prompt = put(pair, word)
        assert prompt.modifier is not None
        assert prompt.text[slice(*prompt.modifier)] == word and prompt.text[slice(*prompt.noun)] == "bowl"
        assert prompt.modifier_follows == pair.cultural.modifier_follows
    assert put(before, "reddish").text == "reddish bowl, far"


def test_words_of_another_length_and_regions_without_words_are_left_out_and_counted():
    pairs = some_pairs()
    spare = [Pair(f"x{p.picture_id}", region, p.cultural, p.noun, p.neutral) for region in "ab" for p in pairs[:12]]
    words = {"jp": ["aa", "ab", "ac ad"], "a": ["aa ab ac"]}
    pool = similar(encoder(0), [*pairs, *spare], words, 1.5)
    assert {(one.region, one.word) for one in pool.placed} == {("jp", "aa"), ("jp", "ab")}
    assert pool.left_out == {
        "words_of_other_length": 2, "regions_without_words": 1, "regions_without_words_of_this_length": 1
    }  # fmt: skip
    assert pool.tokens == {"cultural": 1.0, "placebo": 1.0}


def test_copies_with_other_weights_leave_the_encoder_as_it_was_and_differ_among_themselves():
    one = SmallEncoder(seed=5)
    before = [parameter.clone() for parameter in one.parameters()]
    seen = [next(copy.parameters()).clone() for copy in copies(one, 2, seed=0)]
    assert all(torch.equal(a, b) for a, b in zip(before, one.parameters(), strict=True))
    assert not torch.equal(seen[0], seen[1])
    assert float(seen[0].std()) == pytest.approx(float(before[0].std()), rel=0.1)
    first, again = (deltas(one, some_pairs(), count=2, seed=0, relative=True, batch_size=64) for _ in range(2))
    assert first.shape == (2, len(DIRECTIONS), 3) and np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
