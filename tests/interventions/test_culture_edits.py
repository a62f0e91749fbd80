"""Which neurons each condition acts on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from culturebench.artifacts.directions import DirectionRow
from culturebench.artifacts.levels import LevelRow
from culturebench.conditions import CONDITIONS, condition
from culturebench.interventions.culture_edits import CultureNeurons, control_firing
from culturebench.interventions.edits import activate, amplify, mask, steer
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.neurons import NeuronsError, culture_neurons
from culturebench.interventions.subdivisions import activation_of, direction_of, drawn
from culturebench.probing import sae as saes
from tiny_project import NEURONS, write_bound
from tiny_system import WIDTH

EDITED = [one for one in CONDITIONS if one.stage == "generate_edited"]
EVERY_CULTURE_NEURON = {latent for chosen in NEURONS.values() for latent in chosen}


@pytest.fixture
def culture(tmp_path: Path) -> CultureNeurons:
    write_bound(tmp_path)
    return load_culture(tmp_path, "atlas")


def test_random_controls_take_as_many_latents_and_none_of_any_regions(culture: CultureNeurons):
    for region, chosen in NEURONS.items():
        for draw in range(6):
            done = culture.intervention(condition("random_amplified"), 2.0, region, draw)
            assert done is not None
            assert len(done.description["random"]) == len(chosen)
            assert not set(done.description["random"]) & EVERY_CULTURE_NEURON


def test_draws_take_the_autoencoders_in_turn_and_random_latents_of_their_own(culture: CultureNeurons):
    found = [culture.intervention(condition("random_masked"), 0.0, "jp", draw) for draw in range(4)]
    descriptions = [done.description for done in found if done]
    assert descriptions[0]["sae"] == descriptions[2]["sae"] != descriptions[1]["sae"] == descriptions[3]["sae"]
    assert len({tuple(one["random"]) for one in descriptions}) > 1


def test_strength_0_is_no_edit_except_for_masks(culture: CultureNeurons):
    assert {one.name for one in EDITED if culture.intervention(one, 0.0, "jp", 0)} == {"masked", "random_masked"}


def test_each_record_does_what_its_edit_is_called(culture: CultureNeurons):
    features, real = torch.randn(3, 5, WIDTH), torch.ones(3, 5, dtype=torch.bool)
    own = culture_neurons(culture.table, "jp", 0)
    sae = saes.load(culture.folders[0])
    vectors = {row["caption"]: row["vector"] for row in culture.directions if row["region"] == "jp"}
    wanted = {
        "amplified": amplify(sae, own.indices, 2.0),
        "activated": activate(sae, own.indices, own.levels, 2.0),
        "masked": mask(sae, own.indices),
        "steered": steer(vectors["noun"], 2.0),
        "steered_en": steer(vectors["noun_en"], 2.0),
    }
    assert vectors["noun"] != vectors["noun_en"]
    assert wanted.keys() == {one.name for one in EDITED if one.control is None}
    for name, edit in wanted.items():
        done = culture.intervention(condition(name), 2.0, "jp", 0)
        assert done is not None
        assert torch.equal(done.edit(features, real), edit(features, real)), name


def test_a_random_edit_is_as_large_as_the_edit_that_it_controls(culture: CultureNeurons):
    features, real = torch.randn(3, 5, WIDTH), torch.ones(3, 5, dtype=torch.bool)
    own, control = (culture.intervention(condition(name), 2.0, "jp", 1) for name in ("amplified", "random_amplified"))
    assert own is not None
    assert control is not None
    sizes = [(done.edit(features, real) - features).norm(dim=-1) for done in (own, control)]
    silent = sizes[1] == 0
    assert torch.allclose(sizes[0][~silent], sizes[1][~silent], rtol=1e-4)
    assert not silent.all()


def test_how_often_a_control_fires_is_said_beside_how_often_the_neurons_do():
    """Two neurons that always fire, and none is left to draw from that fires on more than a quarter of the prompts."""
    table = [
        {"sae_seed": 0, "region": "jp", "latent": latent, "frequency": frequency, "mean": 1.0, "selected": latent < 2}
        for latent, frequency in enumerate([1.0, 1.0, 0.25, 0.25])
    ]
    culture = CultureNeurons(layer=0, table=table, folders={0: Path("unread")})
    assert control_firing(culture, ["jp"]) == {"culture": 1.0, "random": 0.25}


def test_what_determines_an_edit_is_in_its_description(culture: CultureNeurons):
    base = culture.intervention(condition("activated"), 2.0, "jp", 0)
    others = [culture.intervention(condition(name), *case) for name, *case in (
        ("amplified", 2.0, "jp", 0), ("activated", 3.0, "jp", 0), ("activated", 2.0, "nl", 0),
        ("activated", 2.0, "jp", 1), ("random_activated", 2.0, "jp", 0),
    )]  # fmt: skip
    assert base is not None
    assert all(other is not None and other.description != base.description for other in others)


def test_every_subdivision_is_drawn_as_often_and_in_an_order_that_no_prompt_decides():
    names = ["asanoha", "bingata", "seigaiha"]
    orders = set()
    for region in ("jp", "nl", "de", "th"):
        found = [drawn(names, region, draw) for draw in range(12)]
        assert all(sorted(found[start : start + 3]) == names for start in range(0, 12, 3))
        assert found == [drawn(reversed(names), region, draw) for draw in range(12)]
        orders.add(tuple(found))
    assert len(orders) == 4


def test_no_subdivision_goes_with_one_autoencoder() -> None:
    for region in ("jp", "kr", "fr"):  # draw d takes the autoencoder d mod 2
        pairs = {(drawn(("a", "b"), region, draw), draw % 2) for draw in range(40)}
        assert len(pairs) == 4


def test_what_steers_and_what_activates_are_of_the_subdivision_that_is_drawn():
    names = ("asanoha", "seigaiha")
    directions: list[DirectionRow] = [
        {"region": "jp", "subdivision": name, "caption": "noun", "n_prompts": 9, "vector": [float(number)]}
        for number, name in enumerate(names)
    ]
    levels: list[LevelRow] = [
        {"sae_seed": 0, "region": "jp", "subdivision": name, "latent": 3, "level": float(number)}
        for number, name in enumerate(names)
    ]
    for draw in range(4):
        number = names.index(drawn(names, "jp", draw))
        assert direction_of(directions, "jp", "noun", draw)["vector"] == [number]
        assert activation_of(levels, "jp", 0, draw).levels == [number]
    with pytest.raises(NeuronsError, match="region 'jp' from those of its captions 'noun_en'; run `dvc repro"):
        direction_of(directions, "jp", "noun_en", 0)
    with pytest.raises(NeuronsError, match="no levels of region 'nl'"):
        activation_of(levels, "nl", 0, 0)
