"""Which neurons each condition acts on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from culturebench.artifacts.directions import DirectionRow
from culturebench.artifacts.levels import LevelRow
from culturebench.conditions import CONDITIONS, condition
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.edits import activate, amplify, mask, steer
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.neurons import NeuronsError
from culturebench.interventions.subdivisions import activation_of, direction_of, drawn
from culturebench.probing import sae as saes
from tiny_project import LATENTS, NEURONS, write_bound
from tiny_system import WIDTH

EDITED = [one for one in CONDITIONS if one.stage == "generate_edited" and not one.few_layers]
STEERED = (condition("steered"), condition("steered_en"))


@pytest.fixture
def culture(tmp_path: Path) -> CultureNeurons:
    write_bound(tmp_path)
    return load_culture(tmp_path, "atlas")


def test_draws_take_the_autoencoders_in_turn_and_every_picture_has_latents_of_its_own(culture: CultureNeurons):
    record = condition("random_masked")
    found = [culture.intervention(record, 0.0, "jp", draw, name) for name in ("p1", "p2") for draw in range(4)]
    descriptions = [done.description for done in found if done]
    assert descriptions[0]["sae"] == descriptions[2]["sae"] != descriptions[1]["sae"] == descriptions[3]["sae"]
    assert len({tuple(one["drawn"]) for one in descriptions}) == len(found)
    again = culture.intervention(record, 0.0, "jp", 0, "p1")
    assert again is not None
    assert again.description == descriptions[0]


def test_strength_0_is_no_edit_except_for_masks(culture: CultureNeurons):
    drawn = [one for one in EDITED if "jp" not in culture.undrawn(one, 0.0)]
    assert {one.name for one in drawn if culture.intervention(one, 0.0, "jp", 0)} == {
        "masked", *(name for name in condition("masked").control_names if name != "language_masked")
    }  # fmt: skip


def test_each_record_does_what_its_edit_is_called(culture: CultureNeurons):
    features, real = torch.randn(3, 5, WIDTH), torch.ones(3, 5, dtype=torch.bool)
    own = culture.table.neurons("jp", 0)
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


def sizes(culture: CultureNeurons, name: str) -> torch.Tensor:
    """The norms of what a condition adds to some tokens."""
    generator = torch.Generator().manual_seed(0)
    features, real = torch.randn(3, 5, WIDTH, generator=generator), torch.ones(3, 5, dtype=torch.bool)
    done = culture.intervention(condition(name), 2.0, "jp", 1)
    assert done is not None
    return (done.edit(features, real) - features).norm(dim=-1)


@pytest.mark.parametrize("base", ["amplified", "activated", "masked", "steered", "steered_en"])
def test_a_gaussian_direction_and_another_regions_latents_are_as_large_as_the_edit(culture: CultureNeurons, base: str):
    """Where the other region's latents are silent there is nothing to rescale."""
    wanted, names = sizes(culture, base), condition(base).control_names
    rescaled = [name for name in names if name in (f"same_norm_{base}", f"other_region_{base}")]
    assert len(rescaled) == (1 if condition(base) in STEERED else 2)
    for name in rescaled:
        found = sizes(culture, name)
        silent = (found == 0) & (name == f"other_region_{base}")
        assert not silent.all()
        assert torch.allclose(found[~silent], wanted[~silent], rtol=1e-3), name


def test_controls_stand_beside_all_that_switches_a_region_on_its_language_too(culture: CultureNeurons):
    language = [latent for latent in range(LATENTS) if all(latent not in chosen for chosen in NEURONS.values())][:4]
    rows = [{**row, "latent": latent, "level": 3.0} for row in culture.levels for latent in language]
    every = {(row["sae_seed"], row["region"], row["subdivision"], row["latent"]): row for row in rows}
    whole = CultureNeurons(culture.layer, culture.table, culture.folders, levels=[*culture.levels, *every.values()])
    assert (sizes(whole, "activated") - sizes(culture, "activated")).abs().min() > 1e-3
    for name in ("same_norm_activated", "other_region_activated"):
        assert torch.allclose(sizes(whole, name), sizes(whole, "activated"), rtol=1e-3), name
    for draw in range(20):
        done = whole.intervention(condition("random_activated"), 2.0, "jp", draw, "p1")
        assert done is not None
        assert len(done.description["drawn"]) == len(done.description["neurons"]) == len(NEURONS["jp"]) + 4
        assert not {*done.description["drawn"]} & {*NEURONS["jp"], *language}


def test_a_region_without_latents_to_draw_from_is_left_out_with_the_reason(culture: CultureNeurons):
    """No latent of the tiny autoencoders fires on half of the noun prompts."""
    found = culture.undrawn(condition("language_masked"), 0.0)
    assert found == {
        code: f"no latent fires on half of {code}'s noun prompts and is none of its neurons" for code in NEURONS
    }
    assert culture.undrawn(condition("random_masked"), 0.0) == {}


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
        {"layer": 1, "region": "jp", "subdivision": name, "caption": "noun", "n_prompts": 9, "vector": [float(number)]}
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
