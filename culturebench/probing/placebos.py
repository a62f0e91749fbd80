"""Placebo modifiers: what the same encoder does with words of similar length that say nothing of culture.

Colour, material, size or place stands in the cultural modifier's place, and delta CA is measured as for culture. Words
of a kind behave alike in any trained encoder, and how much a set of them differs from another by chance is learned by
dealing: the words of each region, cultural and placebo, are dealt anew into a set as large as the cultural one and the
rest (a permutation test within regions; Fisher 1935). If the cultural words are no more than a few among others, every
deal is as likely as the true one, so that the level is exact however few words there are. Sets of placebo words alone
would be too much alike: drawn from twelve, they share most of their members.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from culturebench.probing.attention import DIRECTIONS, Prompt, find_roles
from culturebench.probing.features import summary_positions
from culturebench.probing.layers import Floats, LayerTest, family_p, neighbour_excess
from culturebench.probing.pairs import Pair
from culturebench.text_to_image.base import TextEncoder

#: Prompts -> their CA (prompts, directions, layers).
Read = Callable[[Sequence[Prompt]], Floats]
K = TypeVar("K")
Words = Mapping[str, Sequence[str]]  # region -> placebo modifiers in its language


@dataclass(frozen=True)
class Placed:
    """A placebo modifier in the place of the cultural one of pair number `pair`."""

    region: str
    word: str
    pair: int
    prompt: Prompt


@dataclass(frozen=True)
class Pool:
    """All placed words of similar length, and why others were left out: counts of words and of regions."""

    placed: list[Placed]
    tokens: dict[str, float]  # mean length of the cultural and the placebo modifiers
    left_out: dict[str, int]


@dataclass(frozen=True)
class Dealt:
    """One region's words: delta CA against the neutral modifier, (words, layers) each."""

    cultural: Floats
    placebo: Floats


def put(pair: Pair, word: str) -> Prompt:
    """The cultural prompt with `word` in its modifier's place."""
    whole = pair.cultural
    assert whole.modifier is not None
    start, end = whole.modifier
    longer = len(word) - (end - start)
    noun = whole.noun if whole.noun[0] < start else (whole.noun[0] + longer, whole.noun[1] + longer)
    text = whole.text[:start] + word + whole.text[end:]
    return replace(whole, text=text, noun=noun, modifier=(start, start + len(word)))


def place(pairs: Sequence[Pair], words: Words) -> list[Placed]:
    """Each region's words, in turn in the place of each of its cultural modifiers: a word has one modifier's pairs."""
    found: list[Placed] = []
    for region in sorted({pair.region for pair in pairs}):
        own = [i for i, pair in enumerate(pairs) if pair.region == region]
        modifiers = sorted({pairs[i].modifier for i in own})
        for number, word in enumerate(words.get(region, ())):
            modifier = modifiers[number % len(modifiers)]
            found += [Placed(region, word, i, put(pairs[i], word)) for i in own if pairs[i].modifier == modifier]
    return found


def similar(encoder: TextEncoder, pairs: Sequence[Pair], words: Words, max_ratio: float) -> Pool:
    """The words whose mean length, in the encoder's tokens, is within `max_ratio` of their region's cultural ones."""
    placed = place(pairs, words)
    cultural = _means(_lengths(encoder, [pair.cultural for pair in pairs]), [pair.region for pair in pairs])
    own = _means(_lengths(encoder, [one.prompt for one in placed]), [(one.region, one.word) for one in placed])
    near = {key for key, length in own.items() if 1 / max_ratio <= length / cultural[key[0]] <= max_ratio}
    regions = {region for region, _ in near}
    left_out = Counter(
        {
            "words_of_other_length": len(own) - len(near),
            "regions_without_words": len(cultural.keys() - {region for region, _ in own}),
            "regions_without_words_of_this_length": len({region for region, _ in own} - regions),
        }
    )
    lengths = {"cultural": [cultural[region] for region in regions], "placebo": [own[key] for key in near]}
    tokens = {name: float(np.mean(sorted(values))) for name, values in lengths.items() if values}
    return Pool([one for one in placed if (one.region, one.word) in near], tokens, +left_out)


def deal(pairs: Sequence[Pair], pool: Pool, cultural: Floats, neutral: Floats, read: Floats) -> dict[str, list[Dealt]]:
    """Direction -> the words of each region that has both kinds.

    `cultural` and `neutral` (pairs, directions, layers) are the pairs' CA, `read` (placed, directions, layers) that of
    the pool; a pair without a number in a direction counts for nothing there.
    """
    against = read - neutral[[one.pair for one in pool.placed]] if pool.placed else read
    difference = cultural - neutral
    found: dict[str, list[Dealt]] = {}
    for column, direction in enumerate(DIRECTIONS):
        own = _word_means(difference[:, column], [(pair.region, pair.modifier) for pair in pairs])
        other = _word_means(against[:, column], [(one.region, one.word) for one in pool.placed])
        both = sorted({region for region, _ in own} & {region for region, _ in other})
        found[direction] = [
            Dealt(*(np.array([v for (r, _), v in side.items() if r == region]) for side in (own, other)))
            for region in both
        ]
    return found


def placebo_p(regions: Sequence[Dealt], candidates: int, test: LayerTest) -> Floats:
    """The p value of the cultural words' excess over the placebo words' at each candidate layer, for all together."""
    rng = np.random.default_rng([test.seed, 2])
    found, drawn, total = np.zeros(candidates), np.zeros((test.resamples, candidates)), 0.0
    for region in regions:
        every = np.vstack([region.cultural, region.placebo])[:, :candidates]
        own, size = len(region.cultural), len(every)
        weight = own * (size - own) / size  # a region counts by how exactly it compares
        order = rng.permuted(np.tile(np.arange(size), (test.resamples, 1)), axis=1)
        drawn += weight * (every[order[:, :own]].mean(axis=1) - every[order[:, own:]].mean(axis=1))
        found += weight * (every[:own].mean(axis=0) - every[own:].mean(axis=0))
        total += weight
    return family_p(neighbour_excess(found / total), neighbour_excess(drawn / total))


def placebo_band(regions: Sequence[Dealt], test: LayerTest) -> tuple[Floats, Floats, Floats]:
    """Delta CA of placebo words, and the range of sets of them as large as the cultural ones: (layers,) each."""
    rng = np.random.default_rng([test.seed, 3])
    drawn = np.zeros((test.resamples, regions[0].placebo.shape[1]))
    for region in regions:
        chosen = rng.integers(len(region.placebo), size=(test.resamples, len(region.cultural)))
        drawn += region.placebo[chosen].mean(axis=1) / len(regions)
    tail = (1 - test.level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return np.mean([region.placebo.mean(axis=0) for region in regions], axis=0), low, high


def _lengths(encoder: TextEncoder, prompts: Sequence[Prompt], at_once: int = 1024) -> list[int]:
    """How many tokens each prompt's modifier has."""
    found: list[int] = []
    for start in range(0, len(prompts), at_once):
        some = prompts[start : start + at_once]
        tokens = encoder.tokenize([prompt.text for prompt in some])
        summaries = summary_positions(tokens, causal=encoder.causal).tolist()
        found += [len(find_roles(tokens, i, prompt, summaries[i]).modifier) for i, prompt in enumerate(some)]
    return found


def _means(values: Sequence[float], keys: Sequence[K]) -> dict[K, float]:
    groups: dict[K, list[float]] = {}
    for value, key in zip(values, keys, strict=True):
        groups.setdefault(key, []).append(value)
    return {key: float(np.mean(group)) for key, group in groups.items()}


def _word_means(values: Floats, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Floats]:
    """The mean of each word's rows (layers,), those with numbers."""
    groups: dict[tuple[str, str], list[Floats]] = {}
    for row, key in zip(values, keys, strict=True):
        if np.isfinite(row).all():
            groups.setdefault(key, []).append(row)
    return {key: np.mean(rows, axis=0) for key, rows in sorted(groups.items())}
