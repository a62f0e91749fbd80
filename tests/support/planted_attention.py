"""Encoders that know culture at a layer of our choice, or at none; and pairs of prompts in their few words.

Their attention depends on nothing but the layer and the two words, so that it is the same in every pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from culturebench.probing.attention import Prompt
from culturebench.probing.pairs import Pair
from culturebench.text_to_image.base import Tokens
from small_encoder import START, WrittenEncoder, tokenize_words

LAYERS, HEADS, VOCABULARY = 6, 2, 100
#: Words of two letters, whose ids are all different.
CULTURAL, NEUTRAL = ([first + chr(97 + i) for i in range(12)] for first in "kw")
#: Words that say nothing of culture either; none of their ids is that of another word.
PLACEBOS = [*("a" + chr(97 + i) for i in range(6)), *("zz" + chr(97 + i) for i in range(18))]
NOUNS, PLACES = ("zo", "zp", "zq", "zr"), ("zy", "zz")


def some_pairs() -> list[Pair]:
    """Every noun at every place, with every cultural modifier, and a neutral one in its place."""
    pairs: list[Pair] = []
    for number, (noun, place) in enumerate((noun, place) for noun in NOUNS for place in PLACES):
        for i, modifier in enumerate(CULTURAL):
            neutral = NEUTRAL[(i + number) % len(NEUTRAL)]
            cultural = Prompt(f"{modifier} {noun} {place}", (3, 5), (0, 2), modifier_follows=False)
            plain = Prompt(f"{noun} {place}", (0, 2), None, modifier_follows=False)
            other = Prompt(f"{neutral} {noun} {place}", (3, 5), (0, 2), modifier_follows=False)
            pairs.append(Pair(f"{len(pairs):03}", "jp", cultural, plain, other))
    return pairs


#: layer -> the kinds of words that look hard at others there: (who asks, who is asked).
Planted = Mapping[int, Sequence[tuple[Sequence[str], Sequence[str]]]]
#: The modifier looks at its noun, as delta CA measures; the noun looks back, which alone brings culture further.
LOOKS = (CULTURAL, NOUNS)
BRINGS = (NOUNS, CULTURAL)


#: By how much less than at others every token looks at a modifier; without it culture gets everywhere at any layer.
UNHEARD = 3.0


def encoder(seed: int, planted: Planted | None = None, strength: float = 7.0) -> WrittenEncoder:
    """An encoder of random attention between words, raised by `strength` where it is planted."""
    return WrittenEncoder(LAYERS, _attention(seed, planted or {}, strength))


def _attention(seed: int, planted: Planted, strength: float) -> Callable[[int, Tokens], Tensor]:
    @cache
    def between_words(layer: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * LAYERS + layer)
        logits = torch.randn(HEADS, VOCABULARY, VOCABULARY, generator=generator)
        logits[:, :, _ids([*CULTURAL, *NEUTRAL, *PLACEBOS])] -= UNHEARD
        for asking, asked in planted.get(layer, ()):
            logits[:, _ids(asking)[:, None], _ids(asked)] += strength
        return logits

    def write(layer: int, tokens: Tokens) -> Tensor:
        logits = between_words(layer)[:, tokens.ids[:, :, None], tokens.ids[:, None, :]].transpose(0, 1)
        return logits.masked_fill(~tokens.real[:, None, None, :], -torch.inf).softmax(dim=-1)

    return write


def _ids(words: Sequence[str]) -> Tensor:
    ids = tokenize_words([" ".join(words)]).ids[0, 1:-1]
    assert len(set(ids.tolist())) == len(words) and START not in ids
    return ids
