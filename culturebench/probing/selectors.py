"""All rules that pick culture neurons, one record each: what it is called, what it ranks by, and two pure steps.

`score` goes from how regions fire to a score of every latent, or neuron of a vision-language model; `pick` from latents
on prompts to those chosen by it. `wfs` looks at one region and drops what its noun prompts share; the others compare
regions with each other, as in Zhao et al., Finding Culture-Sensitive Neurons in Vision-Language Models (2025), whose
selectors lap, lape, mad and cas (ConAct in the printed paper) are. What params, stages and the report know of a
selector is read from its record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from culturebench.errors import CultureBenchError
from culturebench.probing.selection import (
    Bools,
    Fires,
    Firing,
    Floats,
    Selection,
    SelectionError,
    Settings,
    bounded_k,
    by_weighted_frequency,
    elbow,
    firing,
    ranks,
    top,
)


class SelectorError(CultureBenchError):
    """A selector that does not exist, or a record that is not whole."""


@dataclass(frozen=True)
class Sides:
    """A region's latents on its cultural and on its noun prompts, each (samples, latents)."""

    cultural: Floats
    noun: Floats


@dataclass(frozen=True)
class LapeRule:
    """The shares of LAPE; those published are 0.01, 0.95 and 0.95."""

    top: float  # share of the latents, those of lowest entropy, that are picked
    filter: float  # a latent counts whose probability in some region is above this quantile of all
    bar: float  # a picked latent belongs to the regions where it is above this quantile


@dataclass(frozen=True)
class Rules:
    """The numbers of all selectors: bounds and thresholds, LAPE's shares, and the seed of `random`."""

    settings: Settings
    lape: LapeRule
    seed: int


Regions = Mapping[str, Sides]
#: The latents on every region's prompts -> which of them are each region's culture neurons.
Pick = Callable[[Regions, Rules], dict[str, Selection]]
#: Firing by region -> score by region (latents,); the higher the more the latent is the region's, 0 and below: not.
Score = Callable[[Sequence[Fires], LapeRule], list[Floats]]


@dataclass(frozen=True)
class Selector:
    """One rule that picks culture neurons; a record that lacks something is a `SelectorError`."""

    name: str  # in params.yaml and in artifacts
    label: str  # in the report
    by: str  # what it ranks latents by
    source: str  # where it was published, or what it is here for
    pick: Pick
    compares: bool  # regions with each other, so that it needs two of them
    score: Score | None = None  # its ranking by how regions fire alone; None where it asks for noun prompts too
    control: bool = False  # every other one's effect is set against its own
    told: str = ""  # how the report says that it picked the neurons, in sentences; without: by its label and `by`

    def __post_init__(self) -> None:
        for key in ("name", "label", "by", "source"):
            if not getattr(self, key).strip():
                raise SelectorError(f"selector {self.name!r}: `{key}` is empty; fill it in")
        if not callable(self.pick):
            raise SelectorError(f"selector {self.name!r}: `pick` is {self.pick!r}, no function")

    def __call__(self, regions: Regions, rules: Rules) -> dict[str, Selection]:
        """Each region's culture neurons; `SelectionError` when it has nothing to compare a region with."""
        if self.compares and len(regions) < 2:
            single = ", ".join(name for name, other in SELECTORS.items() if not other.compares and not other.control)
            raise SelectionError(
                f"the selector {self.name} compares regions and needs two of them; use {single}, or add to `regions`"
            )
        return self.pick(regions, rules)


def by_wfs(regions: Regions, rules: Rules) -> dict[str, Selection]:
    """Each region's top K by weighted frequency, without what its noun prompts share."""
    return {code: by_weighted_frequency(sides.cultural, sides.noun, rules.settings) for code, sides in regions.items()}


def at_random(regions: Regions, rules: Rules) -> dict[str, Selection]:
    """For each region as many latents as WFS selects, uniformly from all others, as the control `random` of edits."""
    found: dict[str, Selection] = {}
    for index, (code, known) in enumerate(by_wfs(regions, rules).items()):
        score = np.random.default_rng([rules.seed, index]).permutation(len(known.score)).astype(np.float64) + 1.0
        score[known.selected] = 0.0
        rank = ranks(score)
        chosen = rank < known.selected.sum()
        found[code] = Selection(known.cultural, known.noun, score, np.zeros_like(score), rank, chosen, chosen.copy())
    return found


def by_score(score: Score, regions: Regions, rules: Rules) -> dict[str, Selection]:
    """Each region's top K by `score`, up to the elbow of its ranked curve."""
    found: dict[str, Selection] = {}
    cultural, noun = _firing(regions, rules)
    scores = zip(score(cultural, rules.lape), score(noun, rules.lape), strict=True)
    for code, (own, other), on, off in zip(regions, scores, cultural, noun, strict=True):
        curve = np.maximum(own, 0.0)
        chosen = top(own, bounded_k(curve, rules.settings))
        found[code] = Selection(on, off, own, other, ranks(own), chosen, chosen.copy(), elbow(curve))
    return found


def by_entropy(regions: Regions, rules: Rules) -> dict[str, Selection]:
    """LAPE's own choice: of the probable latents the share `top` of lowest entropy, each for the regions above the bar.

    The score is that of `specific`.
    """
    cultural, noun = _firing(regions, rules)
    entropy, above = _probable(cultural, rules.lape)
    best = np.zeros(len(entropy), dtype=np.bool_)
    best[np.argsort(entropy, kind="stable")[: round(len(entropy) * rules.lape.top)]] = True
    found: dict[str, Selection] = {}
    for index, (code, score) in enumerate(zip(regions, specific(cultural, rules.lape), strict=True)):
        nothing = np.zeros_like(score)
        found[code] = Selection(
            cultural[index], noun[index], score, nothing, ranks(score), best.copy(), best & above[:, index]
        )
    return found


def specific(firings: Sequence[Fires], rule: LapeRule) -> list[Floats]:
    """LAPE (Tang et al., Language-Specific Neurons, 2024), with regions for languages.

    How far the entropy of a latent's firing probability over regions, in nats, lies below that of a uniform
    distribution; 0 for a latent that is probable enough in no region, or not above the bar in this one.
    """
    entropy, above = _probable(firings, rule)
    return [
        np.where(above[:, index] & np.isfinite(entropy), np.log(len(firings)) - entropy, 0.0)
        for index in range(len(firings))
    ]


def _probable(firings: Sequence[Fires], rule: LapeRule) -> tuple[Floats, Bools]:
    """The entropy of each latent (latents,), infinite where none is probable, and where it is above the bar."""
    probable = np.stack([side.frequency for side in firings], axis=1)  # (latents, regions)
    entropy = entropies(probable)
    entropy[~(probable > _quantile(probable, rule.filter)).any(axis=1)] = np.inf
    return entropy, probable > _quantile(probable, rule.bar)


def entropies(probable: Floats) -> Floats:
    """The entropy, in nats, of each row's distribution over columns; 0 for a row of zeros."""
    total = probable.sum(axis=1, keepdims=True)
    share = np.divide(probable, total, out=np.zeros_like(probable), where=total > 0)
    return -(share * np.log(share, out=np.zeros_like(share), where=share > 0)).sum(axis=1)


def activation_probability(firings: Sequence[Fires], _: LapeRule) -> list[Floats]:
    """LAP: how often the latent fires on the region's prompts."""
    return [side.frequency for side in firings]


def mean_difference(firings: Sequence[Fires], _: LapeRule) -> list[Floats]:
    """MAD: the mean activation on the region's prompts minus the mean of those on the other regions'."""
    means = _means(firings)
    others = (means.sum(axis=0) - means) / (len(means) - 1)
    return list(means - others)


def margin(firings: Sequence[Fires], _: LapeRule) -> list[Floats]:
    """CAS: the mean activation on the region's prompts minus the largest on any other region's."""
    means = _means(firings)
    second, first = np.sort(means, axis=0)[-2:]
    return list(means - np.where(means == first, second, first))


def registry(records: Sequence[Selector]) -> dict[str, Selector]:
    """The records by name, in their order; `SelectorError` for a name that stands twice, and without one control."""
    names = [record.name for record in records]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SelectorError(f"two selectors are called {twice[0]!r}; every selector has a name of its own")
    controls = [record.name for record in records if record.control]
    if len(controls) != 1:
        raise SelectorError(f"one selector is the control of the others, not {len(controls)}: {', '.join(controls)}")
    return {record.name: record for record in records}


_ZHAO = "Zhao et al. 2025"
#: In the order of the report's table.
SELECTORS = registry(
    (
        Selector(
            name="wfs",
            label="WFS",
            by="how often × how strongly, without what nouns share",
            source="Where Culture Fades, CVPR 2026",
            pick=by_wfs,
            compares=False,
            told="they are ranked by weighted frequency score (WFS): how often one fires on cultural prompts, times "
            "how strongly. The first K (up to the elbow of the curve by Kneedle, within the bounds of `select_neurons` "
            "in params.yaml) that are not also high on plain nouns are the region's culture neurons.",
        ),
        Selector(
            name="lape",
            label="LAPE",
            by="lowest entropy of the firing probability over regions",
            source="Tang et al. 2024",
            pick=by_entropy,
            compares=True,
            score=specific,
        ),
        Selector(
            name="mad",
            label="MAD",
            by="mean activation minus that of the other regions",
            source=_ZHAO,
            pick=partial(by_score, mean_difference),
            compares=True,
            score=mean_difference,
        ),
        Selector(
            name="cas",
            label="CAS (ConAct)",
            by="mean activation minus that of the best other region",
            source=_ZHAO,
            pick=partial(by_score, margin),
            compares=True,
            score=margin,
        ),
        Selector(
            name="lap",
            label="LAP",
            by="how often it fires",
            source=_ZHAO,
            pick=partial(by_score, activation_probability),
            compares=True,
            score=activation_probability,
        ),
        Selector(
            name="random",
            label="Random",
            by="as many as WFS, drawn uniformly from all others, not rescaled: the control",
            source="the random masking of Where Culture Fades",
            pick=at_random,
            compares=False,
            control=True,
        ),
    )
)
CONTROL = next(name for name, record in SELECTORS.items() if record.control)


def selector(name: str, key: str = "") -> Selector:
    """The record of a selector; `SelectorError` lists those there are, and names the `key` of params.yaml."""
    if name not in SELECTORS:
        lines = (f"\n  {one.name}: {one.label}, {one.by} ({one.source})" for one in SELECTORS.values())
        raise SelectorError(f"{f'{key}: ' if key else ''}{name!r} is no selector; there are:{''.join(lines)}")
    return SELECTORS[name]


def selectors(names: Sequence[str] | None, key: str = "") -> list[str]:
    """`names` once their records are found; all there are where `names` is None."""
    return [selector(name, key).name for name in (SELECTORS if names is None else names)]


def usable(regions: int) -> list[str]:
    """The selectors that can be asked about so many regions."""
    return [name for name, record in SELECTORS.items() if regions > 1 or not record.compares]


def _firing(regions: Regions, rules: Rules) -> tuple[list[Firing], list[Firing]]:
    """Of every region, on cultural and on noun prompts."""
    sides = regions.values()
    return [firing(s.cultural, rules.settings) for s in sides], [firing(s.noun, rules.settings) for s in sides]


def _means(firings: Sequence[Fires]) -> Floats:
    """Mean activations, 0 where a latent is silent: (regions, latents)."""
    return np.stack([side.score for side in firings])


def _quantile(probable: Floats, share: float) -> float:
    """The value at which `share` of all probabilities are reached, as torch's kthvalue counts."""
    return float(np.sort(probable, axis=None)[max(round(probable.size * share), 1) - 1])
