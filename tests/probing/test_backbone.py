"""Planted attention of a denoiser is found at its block and step, and what any modifier draws stays within placebos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from culturebench.probing.attention import Prompt
from culturebench.probing.backbone import Attention, blocks_of, some_pairs
from culturebench.probing.layers import LayerTest
from culturebench.probing.pairs import Pair
from culturebench.probing.placebos import Pool, place

WORDS = {"jp": [f"plain{i}" for i in range(6)], "nl": [f"dull{i}" for i in range(6)]}
TEST = LayerTest(500, 0, 0.95, 0.05, 0.0)


def prompt(modifier: str) -> Prompt:
    return Prompt(f"{modifier} bowl", (len(modifier) + 1, len(modifier) + 5), (0, len(modifier)), False)


def pairs() -> list[Pair]:
    noun = Prompt("bowl", (0, 4), None, False)
    return [
        Pair(f"{region}{word}{number}", region, prompt(f"{region}-{word}"), noun, prompt("neutral"))
        for region in WORDS
        for word in ("crane", "wave")
        for number in range(3)
    ]


def read(prompts: Sequence[Prompt]) -> Attention:
    """Block 1 looks at cultural modifiers from step 2 on; block 2 at any modifier that is not the neutral one."""
    random = np.random.default_rng(0)
    values = 1 + 0.02 * random.normal(size=(len(prompts), 2, 4, 3))
    for row, one in enumerate(prompts):
        values[row, 0, 1, 2] += 0.6 * ("crane" in one.text or "wave" in one.text)
        values[row, 0, 2] += 0.5 * ("neutral" not in one.text)
    return [f"block{i}" for i in range(4)], values


def test_a_planted_block_and_step_stand_out_and_what_any_word_draws_does_not() -> None:
    own = pairs()
    found = blocks_of(own, Pool(place(own, WORDS), {}, {}), read, TEST)
    by = {(block["part"], block["block"]): block for block in found}
    assert set(by) == {(part, f"block{i}") for part in ("modifier", "noun") for i in range(4)}
    planted, any_word = by["modifier", "block1"], by["modifier", "block2"]
    assert abs(planted["delta"] - 0.2) < 0.03
    assert planted["delta"] > planted["high"] + 0.1
    assert int(np.argmax(planted["steps"])) == 2 and abs(planted["steps"][0]) < 0.05
    assert abs(any_word["delta"] - 0.5) < 0.03 and abs(any_word["delta"] - any_word["placebo"]) < 0.03
    others = [block for key, block in by.items() if key not in {("modifier", "block1"), ("modifier", "block2")}]
    assert all(abs(block["delta"]) < 0.03 for block in others)


def test_the_few_pairs_are_of_every_modifier_in_turn() -> None:
    chosen = some_pairs(pairs(), 2)
    assert [(pair.region, pair.modifier) for pair in chosen] == [
        (region, f"{region}-{word}") for region in WORDS for word in ("crane", "wave")
    ]
    assert some_pairs([], 2) == []
