from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_encoders
from culturebench.params.encoders import Encoder
from culturebench.probing.attention import Prompt, cultural_attention
from culturebench.probing.causal import LayerCheck, effects, judge
from culturebench.probing.layers import LayerTest, delta_curve
from culturebench.probing.pairs import REFERENCES, Pair, differences, measure
from culturebench.report.check import disagreement, sentence
from culturebench.text_to_image.loading import load_encoder
from planted_attention import BRINGS, LAYERS, LOOKS, encoder, some_pairs
from small_encoder import SmallEncoder

TEST = LayerTest(resamples=400, seed=0, level=0.95, alpha=0.01, min_excess=0.1)
SHARE = 0.1
MODIFIERS = [pair.modifier for pair in some_pairs()]
FRESH = 2000  # seeds from here on had no part in the choice of `min_excess`


def checked(one: Any):
    return judge(effects(one, some_pairs(), SHARE), MODIFIERS, one.last_upstream_layer + 1, TEST)


def marked_by_attention(one: Any, reference: str):
    rows = measure(partial(cultural_attention, one, relative=True, batch_size=96), some_pairs()).rows
    values = differences(rows, reference, "modifier_to_noun", LAYERS)
    return delta_curve(values, MODIFIERS, LAYERS, TEST).layer  # pairs are in the order of their ids


@pytest.mark.parametrize("planted", range(LAYERS))
def test_attention_and_the_check_both_mark_the_layer_where_culture_was_planted(planted: int):
    one = encoder(FRESH + planted, {planted: [LOOKS, BRINGS]})
    assert checked(one).layer == planted
    assert {marked_by_attention(one, reference) for reference in REFERENCES} == {planted}


def test_a_layer_that_only_looks_is_marked_by_attention_and_has_no_effect():
    one = encoder(7, {3: [LOOKS]})
    assert marked_by_attention(one, "neutral_modifier") == 3
    assert checked(one).layer is None


def test_where_one_layer_looks_and_another_brings_the_check_names_the_one_that_brings():
    one = encoder(7, {1: [LOOKS], 4: [BRINGS]})
    assert marked_by_attention(one, "neutral_modifier") == 1
    assert checked(one).layer == 4


def test_what_is_marked_rests_on_the_test_and_not_on_an_interval():
    found = checked(encoder(7, {4: [LOOKS, BRINGS]}))
    wider = replace(found, beyond=replace(found.beyond, low=np.full(LAYERS, -1.0)))
    below = replace(found, beyond=replace(found.beyond, delta=-found.beyond.delta))
    assert (found.layer, wider.layer, below.layer) == (4, 4, None)


def test_encoders_that_know_no_culture_give_no_evidence():
    """One mark in 20 is what the check may cost; `benchmarks/layer_check.py` measures the rate."""
    found = [checked(encoder(seed)).layer for seed in range(FRESH, FRESH + 20)]
    assert sum(layer is not None for layer in found) <= 1


def test_random_weights_bring_any_modifier_further_in_late_layers_and_give_no_evidence_all_the_same():
    for seed in range(FRESH, FRESH + 3):
        check = checked(SmallEncoder(layers=LAYERS, seed=seed))
        assert check.effect.delta[-1] > 1.5 * check.effect.delta[:-1].mean()
        assert check.layer is None


def test_the_effect_is_the_part_of_the_way_that_one_layer_writes():
    """In one linear layer, y = x + a: of the way x_c + a_c - x_n - a_n the push goes a_c - a_n, at any share."""
    one = encoder(3)
    one.layers, one.blocks, one.outputs = one.layers[:1], one.blocks[:1], one.outputs[:1]
    [pair] = some_pairs()[:1]
    here, there = (_written(one, prompt) for prompt in (pair.noun, pair.cultural))
    way = there[0] + there[1] - here[0] - here[1]
    wanted = ((there[1] - here[1]) * way).sum() / way.pow(2).sum()
    for share in (0.1, 1.0):
        assert effects(one, [pair], share)[0, 0, 0] == pytest.approx(float(wanted), rel=1e-4)


def _written(one: Any, prompt: Any):
    """States and attention output at the noun and at <s>, each (2, d)."""
    tokens = one.tokenize([prompt.text])
    states = one.words[tokens.ids]
    attention = one.blocks[0].write(0, tokens).mean(dim=1) @ states
    sites = [1 if prompt.modifier is None and prompt.noun == (0, 2) else 2, 0]
    return states[0, sites], attention[0, sites]


def test_a_layer_behind_what_the_backbone_reads_has_no_effect_and_cannot_be_marked():
    one = encoder(7, {5: [LOOKS, BRINGS]})
    one.last_upstream_layer = 4
    assert checked(one).layer is None


def test_pairs_that_lack_a_prompt_or_a_token_or_a_difference_are_not_numbers():
    whole = some_pairs()[0]
    same = Pair("a", "jp", Prompt("zo zy", (0, 2), (3, 5), False), whole.noun, whole.neutral)
    bare = Pair("b", "jp", whole.cultural, whole.noun, None)
    hidden = Pair("c", "jp", whole.cultural, Prompt("zo zy", (2, 3), None, False), whole.neutral)
    found = effects(encoder(1), [whole, same, bare, hidden], SHARE)
    assert np.isfinite(found).all(axis=2).tolist() == [[True, True], [False, True], [True, False], [False, False]]


@pytest.mark.parametrize("family", tiny_encoders.FAMILIES)
def test_every_family_can_be_checked_and_is_left_as_it_was(family: str, tmp_path: Path):
    tiny_encoders.write(tmp_path, family)
    source = Encoder(adapter="transformers", pin="tiny", max_tokens=24, reads="penultimate")
    one = load_encoder(source, tmp_path)
    cultural, neutral = "waves on a bowl", "plain on a bowl"
    pair = Pair(
        "x",
        "jp",
        Prompt(cultural, (11, 15), (0, 5), modifier_follows=False),
        Prompt("a bowl", (2, 6), None, modifier_follows=False),
        Prompt(neutral, (11, 15), (0, 5), modifier_follows=False),
    )
    before = one.run(one.tokenize([cultural]))[one.reads]
    hooks = sum(len(module._forward_hooks) for module in one.modules())  # the library's own are there by now
    [found] = LayerCheck(one, share=SHARE)([pair])
    assert np.isfinite(found).all()
    assert (found[:, :-1] != 0).any() and (found[:, -1] == 0).all(), "the last layer is behind what is read"
    torch.testing.assert_close(one.run(one.tokenize([cultural]))[one.reads], before, atol=0, rtol=0)
    assert sum(len(module._forward_hooks) for module in one.modules()) == hooks


# ── what the report says ────────────────────────────────────────────────────────────────────────────────────────


def probe(**marks: int | None):
    rows = [
        {"reference": reference, "direction": "modifier_to_noun", "layer": layer, "delta": 1.0, "candidate": True,
         "marked": layer == found}
        for reference, found in marks.items()
        for layer in range(LAYERS)
    ]  # fmt: skip
    return {"curves": rows, "direction": "modifier_to_noun", "reference": "zero", "layers": LAYERS}


def check(layer: int | None, pairs: int = 60):
    point = {"layer": layer, "effect": 0.6, "beyond": 0.2, "low": 0.15, "high": 0.25}
    return {"layer": layer, "layers": LAYERS, "pairs": pairs, "least_pairs": 20, "points": [point]}


def test_the_report_says_whether_the_two_agree_under_the_reference_that_decides_and_the_others():
    assert sentence(probe(zero=2, context=1), check(2)).startswith("The two agree. ")
    said = sentence(probe(zero=1, context=2, neutral_modifier=2), check(2))
    assert said.startswith("The two disagree. The push counts most at layer 3 of 6 (index 2): 60.0% of the way")
    assert "+20.0 points [15.0, 25.0] beyond a culture-free modifier" in said
    marked = "layer 2 of 6 (index 1) under zero, layer 3 of 6 (index 2) under context and neutral modifier"
    assert said.endswith(f"ΔCA marks {marked}.")


def test_the_report_says_that_there_is_no_evidence_where_no_layer_stands_out_or_pairs_are_few():
    assert sentence(probe(zero=2), check(None)).startswith("No evidence: at no layer")
    assert sentence(probe(zero=2), check(None, pairs=3)) == "No evidence: 3 pairs could be pushed, 20 are needed."


def test_the_first_lines_say_who_marks_another_layer_and_nothing_when_all_agree():
    agreed = {**probe(zero=2, context=2, neutral_modifier=2), "reference": "neutral_modifier"}
    agreed |= {"significant": True, "layer": 2}
    assert disagreement(agreed, check(2)) == ""
    said = disagreement(agreed, check(None))
    assert said.startswith("The answers on the culture layer disagree: layer 3 of 6 (index 2) is marked. ")
    assert said.endswith(" But the causal check marks no layer.")
    other = {**agreed, **{"curves": probe(zero=0, context=2, neutral_modifier=2)["curves"]}}
    assert "But ΔCA with the reference zero marks layer 1 of 6 (index 0)." in disagreement(other, check(2))
    none = {**probe(zero=0, neutral_modifier=None), "reference": "neutral_modifier", "significant": False, "layer": 4}
    assert disagreement(none, check(None)).startswith(
        "No layer is marked as the culture layer; params name layer 5 of 6 (index 4). But ΔCA with the reference zero"
    )
