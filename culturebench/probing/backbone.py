"""A denoiser's attention to modifier and noun, cultural against neutral, and what placebo modifiers do in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from culturebench.probing.attention import Prompt, find_roles
from culturebench.probing.features import summary_positions
from culturebench.probing.layers import LayerTest
from culturebench.probing.pairs import Pair
from culturebench.probing.placebos import Dealt, Pool, placebo_band
from culturebench.text_to_image.backbone_attention import looking, places_of

if TYPE_CHECKING:
    from culturebench.artifacts.backbone_attention import Block

Floats = NDArray[np.float64]
PARTS = ("modifier", "noun")
#: Prompts -> block names, and (prompts, parts, blocks, steps) of their attention.
Attention = tuple[list[str], Floats]


def some_pairs(pairs: Sequence[Pair], per_region: int) -> list[Pair]:
    """Of each region so many pairs with a neutral caption, in turn from each modifier, by picture id."""
    chosen: list[Pair] = []
    for region in sorted({pair.region for pair in pairs}):
        own = sorted((p for p in pairs if p.region == region and p.neutral), key=lambda p: p.picture_id)
        rounds: dict[str, int] = {}
        ranked: list[tuple[int, str, Pair]] = []
        for pair in own:
            number = rounds[pair.modifier] = rounds.get(pair.modifier, -1) + 1
            ranked.append((number, pair.modifier, pair))
        chosen += [pair for _, _, pair in sorted(ranked, key=lambda one: one[:2])[:per_region]]
    return chosen


def attention_of(system: Any, prompts: Sequence[Prompt], seed: int) -> Attention:
    """Attention of a picture's places to the tokens of modifier and noun, while each prompt's picture is made.

    A token's attention is divided by the mean over the prompt's own tokens: 1 is an even share of what all of them
    get, whatever goes to the start token and the padding. `BackboneAttentionError` for a denoiser that cannot be read,
    of which `check_readable` knows some before.
    """
    found: dict[Prompt, Floats] = {}
    names: list[str] = []
    for prompt in dict.fromkeys(prompts):  # many pairs share a neutral one
        conditioning = system.encode([prompt.text])
        with looking(system.denoiser) as looked:
            system.generate(conditioning, [seed])
        read = looked.of(1, guided=bool(getattr(system, "negative", None)))[0].double().numpy()
        tokens, offset = places_of(system, [prompt.text], read.shape[-1])
        roles = find_roles(tokens, 0, prompt, int(summary_positions(tokens, causal=system.encoder.causal)[0]))
        own = np.flatnonzero((tokens.real[0] & ~tokens.special[0]).numpy()) + offset
        even = read[..., own].mean(axis=-1)
        parts = [np.asarray(places, dtype=int) + offset for places in (roles.modifier, roles.noun)]
        found[prompt] = np.stack([_mean(read, places) / even for places in parts])
        names = list(looked.blocks)
    return names, np.stack([found[prompt] for prompt in prompts])


def _mean(read: Floats, places: NDArray[np.int_]) -> Floats:
    return read[..., places].mean(axis=-1) if len(places) else np.full(read.shape[:-1], np.nan)


def blocks_of(
    pairs: Sequence[Pair], pool: Pool, read: Callable[[Sequence[Prompt]], Attention], test: LayerTest
) -> list[Block]:
    """Every block's difference of cultural from neutral modifiers beside that of placebo modifiers in their place.

    Regions count alike, and within one its words. Regions without placebo words are left out of both sides.
    """
    neutral = [pair.neutral for pair in pairs if pair.neutral is not None]
    names, values = read([*(pair.cultural for pair in pairs), *neutral, *(one.prompt for one in pool.placed)])
    cultural, plain, placed = np.split(values, [len(pairs), 2 * len(pairs)])
    found: list[Block] = []
    for column, part in enumerate(PARTS):
        own = _by_word((cultural - plain)[:, column], [(pair.region, pair.modifier) for pair in pairs])
        away = placed - plain[[one.pair for one in pool.placed]]
        placebo = _by_word(away[:, column], [(one.region, one.word) for one in pool.placed])
        regions = sorted(own.keys() & placebo.keys())
        if not regions:
            continue
        steps = np.mean([own[region].mean(axis=0) for region in regions], axis=0)
        dealt = [Dealt(own[region].mean(axis=-1), placebo[region].mean(axis=-1)) for region in regions]
        found += _blocks(part, names, steps, placebo_band(dealt, test))
    return found


def _blocks(part: str, names: Sequence[str], steps: Floats, band: tuple[Floats, Floats, Floats]) -> list[Block]:
    middle, low, high = band
    return [
        {
            "block": name,
            "part": part,
            "delta": float(steps[i].mean()),
            "steps": [float(value) for value in steps[i]],
            "placebo": float(middle[i]),
            "low": float(low[i]),
            "high": float(high[i]),
        }
        for i, name in enumerate(names)
    ]


def _by_word(values: Floats, keys: Sequence[tuple[str, str]]) -> dict[str, Floats]:
    """Region -> the mean (words, blocks, steps) of each of its words' prompts, those with numbers."""
    groups: dict[str, dict[str, list[Floats]]] = {}
    for one, (region, word) in zip(values, keys, strict=True):
        if np.isfinite(one).all():
            groups.setdefault(region, {}).setdefault(word, []).append(one)
    return {
        region: np.array([np.mean(some, axis=0) for _, some in sorted(by_word.items())])
        for region, by_word in groups.items()
    }
