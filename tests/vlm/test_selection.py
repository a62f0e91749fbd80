"""Neurons of a decoder chosen from statistics alone: the published rules' numbers, and equal sizes."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
import torch

from culturebench.artifacts.activations import Activations
from culturebench.artifacts.vlm_neurons import VlmNeuronRow
from culturebench.probing.selection import SelectionError
from culturebench.probing.selectors import SELECTORS, LapeRule, SelectorError
from culturebench.probing.vlm_selection import Numbers, select, sets_of

LAPE = LapeRule(top=0.01, filter=0.95, bar=0.95)
CULTURES, LAYERS, WIDTH = ("a", "b", "c", "d", "e"), 4, 200
NUMBERS = Numbers(count=12, lape=LAPE, draws=3, matched="cas", seed=0)


def statistics(seed: int) -> Activations:
    rng = np.random.default_rng(seed)
    shape = (len(CULTURES), LAYERS, WIDTH)
    frequency = (rng.random(shape) ** 3).astype(np.float32)
    return Activations(CULTURES, frequency, (frequency * rng.random(shape)).astype(np.float32), [50] * 5)


def places(rows: list[VlmNeuronRow], selector: str, culture: str, draw: int = 0) -> list[int]:
    own = [row for row in rows if (row["selector"], row["culture"], row["draw"]) == (selector, culture, draw)]
    return [row["layer"] * WIDTH + row["neuron"] for row in sorted(own, key=lambda row: row["rank"])]


def published(name: str, found: Activations, culture: int) -> list[int]:
    """The 12 best by the published rule, written anew with torch."""
    frequency = torch.from_numpy(found.frequency).double().flatten(1)
    mean = torch.from_numpy(found.mean).double().flatten(1)
    others = torch.cat([mean[:culture], mean[culture + 1 :]])
    if name == "lape":
        share = frequency / frequency.sum(0)
        entropy = -(share * share.log()).nan_to_num().sum(0)
        bar = frequency.flatten().kthvalue(round(frequency.numel() * 0.95)).values
        score = torch.where(frequency[culture] > bar, -entropy, -torch.inf)
        return score.topk(12).indices.tolist()
    scores = {
        "lap": frequency[culture],
        "mad": mean[culture] - others.mean(0),
        "cas": mean[culture] - others.max(0).values,
    }
    return scores[name].topk(12).indices.tolist()


@pytest.mark.parametrize("name", ["lap", "lape", "mad", "cas"])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_neurons_are_those_of_the_published_rule(name: str, seed: int) -> None:
    found = statistics(seed)
    rows = select(found, [name, "random"], Numbers(12, LAPE, 1, name, 0))
    for index, culture in enumerate(CULTURES):
        assert places(rows, name, culture) == published(name, found, index)


def test_every_rule_takes_equally_many_of_every_culture_and_no_neuron_of_cas_is_of_two() -> None:
    rows = select(statistics(0), ["lap", "lape", "mad", "cas", "random"], NUMBERS)
    counts = Counter((row["selector"], row["draw"], row["culture"]) for row in rows)
    assert set(counts.values()) == {12} and len(counts) == (4 + 3) * len(CULTURES)
    taken = [place for culture in CULTURES for place in places(rows, "cas", culture)]
    assert len(set(taken)) == len(taken)


def test_random_neurons_lie_in_the_same_layers_and_are_others_in_every_draw() -> None:
    rows = select(statistics(0), ["cas", "random"], NUMBERS)
    for culture in CULTURES:
        own = places(rows, "cas", culture)
        drawn = [places(rows, "random", culture, draw) for draw in range(3)]
        by_layer = [Counter(place // WIDTH for place in some) for some in (own, *drawn)]
        assert all(layers == by_layer[0] for layers in by_layer)
        assert all(not set(own) & set(some) for some in drawn)
        assert len({tuple(some) for some in drawn}) == 3
    assert rows == select(statistics(0), ["cas", "random"], NUMBERS)


def test_lape_that_picks_nothing_is_an_error_that_says_so() -> None:
    found = statistics(0)
    always = found.frequency.copy()
    always[:, :, : WIDTH // 5] = 1.0  # more than one in twenty probabilities is 1, and so is the quantile
    with pytest.raises(SelectionError, match=r"lape picks no neuron .* \(the largest is 1\); .*positions: all"):
        select(Activations(CULTURES, always, found.mean, [50] * 5), ["lape", "random"], NUMBERS)


def test_a_rule_that_needs_noun_prompts_is_refused() -> None:
    assert SELECTORS["wfs"].score is None
    with pytest.raises(SelectorError, match="'wfs' needs noun prompts"):
        select(statistics(0), ["wfs", "random"], NUMBERS)
    with pytest.raises(SelectorError, match="matched: 'mad' is not among the selectors; there are: cas"):
        select(statistics(0), ["cas", "random"], Numbers(12, LAPE, 1, "mad", 0))


def test_sets_hold_each_neuron_once_and_single_layers_make_up_the_whole() -> None:
    rows = select(statistics(1), ["mad", "cas", "random"], NUMBERS)
    sets = sets_of(rows, "cas", -1)
    whole = {(off.selector, off.draw, off.culture): off for off in sets if off.layer == -1}
    assert len(whole) == (2 + 3) * len(CULTURES)
    single: dict[str, dict[int, tuple[int, ...]]] = defaultdict(dict)
    for off in sets:
        if off.layer != -1:
            assert off.selector == "cas"
            single[off.culture] |= off.neurons
    for culture in CULTURES:
        off = whole["cas", 0, culture]
        assert single[culture] == off.neurons
        flat = sorted(layer * WIDTH + one for layer, some in off.neurons.items() for one in some)
        assert flat == sorted(places(rows, "cas", culture))
