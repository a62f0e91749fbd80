"""Each control answers its own question: what it draws from, how large it is, and that no two pictures share a draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from culturebench.interventions.controls import DRAWS, Case, NoControlError, matched_pool, random_of
from culturebench.interventions.edits import amplify, unchanged
from culturebench.interventions.neurons import COLUMNS, NeuronTable
from culturebench.measures.paired_test import SignFlip
from culturebench.probing.sae import TopKSAE

LATENTS = 100
OWN: Mapping[str, Sequence[int]] = {"jp": (0, 1, 2), "nl": (3, 4, 5)}
NOUN: Mapping[str, Sequence[int]] = {"jp": (6, 7, 8), "nl": (9, 10, 11)}  # languages' latents


def row(region: str, latent: int, **changes: Any) -> dict[str, Any]:
    own, noun = latent in OWN[region], latent in NOUN[region]
    return {
        "sae_seed": 0, "region": region, "latent": latent, "frequency": 0.9 if own or noun else 0.002 * latent,
        "frequency_noun": 1.0 if noun else 0.0, "mean": 3.0 if own or noun else 1.0, "score_noun": 3.0 * noun,
        "candidate": own, "selected": own, **changes,
    }  # fmt: skip


def table(**changes: Any) -> NeuronTable:
    return NeuronTable([row(region, latent, **changes) for region in OWN for latent in range(LATENTS)])


def case(found: NeuronTable, prompt: str = "p1", region: str = "jp") -> Case:
    return Case(
        reference=unchanged,
        width=16,
        random=random_of(region, prompt, 0),
        table=found,
        region=region,
        sae_seed=0,
        acted_on=lambda code: found.neurons(code, 0),
        make=lambda neurons: unchanged,
    )


def drawn(name: str, found: NeuronTable, draws: int = 60) -> list[list[int]]:
    return [DRAWS[name](case(found, f"p{number}"))[1]["drawn"] for number in range(draws)]


def test_random_latents_are_uniform_over_all_that_are_not_the_regions_own() -> None:
    counts = np.bincount([latent for some in drawn("random", table(), 2000) for latent in some], minlength=LATENTS)
    assert not counts[:3].any()
    expected = 2000 * 3 / 97
    assert ((counts[3:] - expected) ** 2 / expected).sum() < 97 + 4 * (2 * 97) ** 0.5


def test_random_latents_are_edited_as_the_neurons_are_and_never_rescaled() -> None:
    torch.manual_seed(0)
    sae = TopKSAE(16, LATENTS, 4)
    with torch.no_grad():
        sae.encoder.normal_()
        sae.decoder.normal_()
    here = replace(case(table()), make=lambda neurons: amplify(sae, neurons.indices, 3.0))
    edit, about = DRAWS["random"](here)
    features, real = torch.randn(2, 3, 16), torch.ones(2, 3, dtype=torch.bool)
    assert torch.equal(edit(features, real), amplify(sae, about["drawn"], 3.0)(features, real))


def test_matched_latents_are_of_no_region_and_no_noun_side_and_fire_about_as_often() -> None:
    for some in drawn("matched", table()):
        assert not set(some) & set(range(12))
        assert min(some) > 60


def test_a_pool_too_small_keeps_out_the_regions_own_alone_and_then_gives_the_reason() -> None:
    whole = [row(region, latent) for region in OWN for latent in range(LATENTS)]
    few = NeuronTable([{**one, "frequency": one["frequency"] * (one["latent"] < 18)} for one in whole])
    assert (matched_pool(table(), "jp", 0).size, matched_pool(table(), "jp", 0).own_only) == (88, False)
    assert (matched_pool(few, "jp", 0).size, matched_pool(few, "jp", 0).own_only) == (12, True)
    fewer = NeuronTable([{**one, "frequency": one["frequency"] * (one["latent"] < 14)} for one in whole])
    with pytest.raises(NoControlError, match="the pool holds 8 latents for jp, 9 are needed"):
        matched_pool(fewer, "jp", 0)


def test_another_region_lends_its_own_neurons_and_there_has_to_be_one() -> None:
    assert drawn("other_region", table(), 3) == [[3, 4, 5]] * 3
    alone = NeuronTable([row("jp", latent) for latent in range(LATENTS)])
    with pytest.raises(NoControlError, match="no other region has culture neurons"):
        DRAWS["other_region"](case(alone))


def test_language_latents_are_those_of_the_regions_noun_prompts() -> None:
    assert drawn("language", table(), 3) == [[6, 7, 8]] * 3


@pytest.mark.parametrize("name", ["random", "matched", "same_norm"])
def test_every_picture_has_a_draw_of_its_own_and_the_same_one_again(name: str) -> None:
    found = table()
    abouts = [DRAWS[name](case(found, f"p{number}"))[1] for number in range(8)]
    assert len({str(about) for about in abouts}) == 8
    assert DRAWS[name](case(found, "p3"))[1] == abouts[3]


def rejected(shared: bool, tables: int = 150) -> float:
    """How often the paired test rejects where neurons are nothing but one more draw.

    A latent's effect on culture is fixed; a region's neurons and its control are both random latents.
    """
    test, found = SignFlip(500, 0), 0
    for number in range(tables):
        random = np.random.default_rng(number)
        effects, own, other = random.normal(size=400), {}, {}
        for region in range(8):
            fixed = random.integers(400)
            for prompt in range(6):
                drawn = fixed if shared else random.integers(400)
                own[f"{region} {prompt}", 0] = float(effects[random.integers(400)] + random.normal())
                other[f"{region} {prompt}", 0] = float(effects[drawn] + random.normal())
        p_value = test.p_value(own, other)
        found += p_value is not None and p_value <= 0.05
    return found / tables


def test_a_draw_that_prompts_share_makes_the_paired_test_reject_too_often_and_fresh_ones_do_not() -> None:
    assert rejected(shared=True) > 0.1
    assert rejected(shared=False) < 0.09


def test_what_all_regions_say_together_is_computed_once_and_by_its_definition() -> None:
    dice = np.random.default_rng(0)
    changed = [
        {**row(region, latent), "frequency": dice.random() * (dice.random() < 0.5), "mean": dice.random(),
         "score_noun": dice.random(), "candidate": bool(dice.random() < 0.1)}
        for region in OWN for latent in range(LATENTS)
    ]  # fmt: skip
    found = NeuronTable(changed)
    together = found.together(0)
    assert found.together(0) is together
    for latent in range(LATENTS):
        own = [one for one in changed if one["latent"] == latent]
        total = sum(one["frequency"] for one in own)
        mean = sum(one["frequency"] * one["mean"] for one in own) / total if total else 0.0
        assert together.frequency[latent] == pytest.approx(total / len(own))
        assert together.mean[latent] == pytest.approx(mean)
        assert together.fires[latent] == any(one["frequency"] > 0 for one in own)
        taken = [one["selected"] or _strong_on_nouns(one, changed) for one in own]
        assert together.taken[latent] == any(taken)


def _strong_on_nouns(one: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether fewer latents of its region are stronger on noun prompts than there are candidates."""
    own = [other for other in rows if other["region"] == one["region"]]
    return sum(o["score_noun"] > one["score_noun"] for o in own) < sum(o["candidate"] for o in own)


def test_a_table_of_columns_is_the_table_of_its_rows() -> None:
    rows = [{**row(region, latent), "sae_seed": seed} for seed in (0, 1) for region in OWN for latent in range(LATENTS)]
    columns = {name: np.array([one[name] for one in rows], dtype=kind) for name, kind in COLUMNS.items()}
    by_rows, by_columns = NeuronTable(rows[::-1]), NeuronTable.from_columns(columns)
    assert by_rows.regions == by_columns.regions == sorted(OWN)
    for seed, region in ((0, "jp"), (1, "nl")):
        for field in fields(by_rows.of(region, seed)):
            one, other = (getattr(table.of(region, seed), field.name) for table in (by_rows, by_columns))
            np.testing.assert_array_equal(one, other)
