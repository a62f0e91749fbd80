"""Culture neurons of a decoder: the selectors' scores on how cultures fire, and equally many for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturebench.probing.selection import Floats, SelectionError, ranks
from culturebench.probing.selectors import CONTROL, LapeRule, SelectorError, selector
from culturebench.vlm.neurons import Off

if TYPE_CHECKING:
    from culturebench.artifacts.activations import Activations
    from culturebench.artifacts.vlm_neurons import VlmNeuronRow


@dataclass(frozen=True)
class NeuronFiring:
    """One culture's statistics over all layers together, (neurons,) each."""

    frequency: Floats
    score: Floats  # the mean activation


@dataclass(frozen=True)
class Numbers:
    """How many neurons a culture gets, and how its random ones are drawn."""

    count: int
    lape: LapeRule
    draws: int
    matched: str
    seed: int


def select(found: Activations, names: Sequence[str], numbers: Numbers) -> list[VlmNeuronRow]:
    """Every selector's neurons of every culture, the best `numbers.count` of all layers.

    A culture gets fewer where fewer score above 0. `SelectorError` for one that needs more than firing statistics,
    `SelectionError` when one ranks nothing.
    """
    ranking = [name for name in names if name != CONTROL]
    best = {name: _best(found, name, numbers) for name in ranking}
    rows = [row for name in ranking for row in _rows(found, name, 0, best[name])]
    if CONTROL in names:
        if numbers.matched not in best:
            raise SelectorError(
                f"select_vlm_neurons.matched: {numbers.matched!r} is not among the selectors; there are: "
                f"{', '.join(ranking)}"
            )
        like = [one for one, _ in best[numbers.matched]]
        for draw in range(numbers.draws):
            rows += _rows(found, CONTROL, draw, _random(found, like, draw, numbers.seed))
    return rows


#: Places of a culture's neurons over all layers together, best first, and their scores.
Best = list[tuple[NDArray[np.int64], Floats]]


def _best(found: Activations, name: str, numbers: Numbers) -> Best:
    score = selector(name, "params.yaml: select_vlm_neurons.selectors").score
    if score is None:
        raise SelectorError(
            f"params.yaml: select_vlm_neurons.selectors: {name!r} needs noun prompts, which questions have not; leave "
            "it out"
        )
    firings = [
        NeuronFiring(frequency.reshape(-1).astype(np.float64), mean.reshape(-1).astype(np.float64))
        for frequency, mean in zip(found.frequency, found.mean, strict=True)
    ]
    scores = score(firings, numbers.lape)
    if not any((one > 0).any() for one in scores):
        largest = max(float(one.frequency.max()) for one in firings)
        raise SelectionError(
            f"{name} picks no neuron of any culture: its filter and its bar ({numbers.lape.filter}, "
            f"{numbers.lape.bar}) are quantiles of firing probabilities that nothing exceeds (the largest is "
            f"{largest:g}); lower select_vlm_neurons.lape, or set probe_vlm.positions: all"
            if name == "lape"
            else f"{name} picks no neuron of any culture: no score is above 0"
        )
    return [_top(one, numbers.count) for one in scores]


def _top(score: Floats, count: int) -> tuple[NDArray[np.int64], Floats]:
    order = np.argsort(ranks(score))[:count]
    order = order[score[order] > 0]
    return order, score[order]


def _random(found: Activations, like: Sequence[NDArray[np.int64]], draw: int, seed: int) -> Best:
    """For each culture as many neurons in each layer as `like` has there, uniformly from the others of that layer."""
    width = found.frequency.shape[2]
    best: Best = []
    for culture, taken in enumerate(like):
        rng = np.random.default_rng([seed, draw, culture])
        places: list[int] = []
        for layer in range(found.frequency.shape[1]):
            own = {int(place) % width for place in taken if int(place) // width == layer}
            free = np.array([neuron for neuron in range(width) if neuron not in own])
            places += [layer * width + int(one) for one in rng.choice(free, min(len(own), len(free)), replace=False)]
        best.append((np.array(places, dtype=np.int64), np.zeros(len(places))))
    return best


def _rows(found: Activations, name: str, draw: int, best: Best) -> list[VlmNeuronRow]:
    width = found.frequency.shape[2]
    return [
        {
            "selector": name,
            "draw": draw,
            "culture": culture,
            "rank": rank,
            "layer": int(place) // width,
            "layers": found.frequency.shape[1],
            "neuron": int(place) % width,
            "score": float(score),
        }
        for culture, (places, scores) in zip(found.cultures, best, strict=True)
        for rank, (place, score) in enumerate(zip(places, scores, strict=True))
    ]


def sets_of(rows: Sequence[VlmNeuronRow], by_layer: str | None, whole: int) -> list[Off]:
    """Every selector's neurons of every culture together, and those of `by_layer` one layer at a time."""
    found: dict[tuple[str, int, str], dict[int, list[int]]] = {}
    for row in rows:
        one = found.setdefault((row["selector"], row["draw"], row["culture"]), {})
        one.setdefault(row["layer"], []).append(row["neuron"])
    sets: list[Off] = []
    for (name, draw, culture), layers in sorted(found.items()):
        neurons = {layer: tuple(sorted(some)) for layer, some in sorted(layers.items())}
        sets.append(Off(name, draw, culture, whole, neurons))
        if name == by_layer:
            sets += [Off(name, draw, culture, layer, {layer: some}) for layer, some in neurons.items()]
    return sets
