"""The stage that describes culture neurons, with tiny random weights."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml

from culturebench.artifacts import binding, cards, neurons, sae, splits
from culturebench.conditions import condition
from culturebench.interventions.edits import amplify, mask
from culturebench.params import load_document, load_section
from culturebench.params.models import Models
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.base import EncoderEdit
from culturebench.text_to_image.sampling import Painter, Shot
from culturebench.text_to_image.systems import load_pinned, load_towers
from stages import describe_neurons
from tiny_project import NEURONS, REGIONS, split_rows

PATH = cards.PATH.format(model="atlas")
HOSTILE = "<script>alert(1)</script> culture_nl {{ 7 * 7 }}"


@pytest.fixture
def described(project: Path) -> Path:
    """The tiny project with detect pairs whose spans are marked, and the cards of its neurons."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    select = {**yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["select_neurons"]}
    params["select_neurons"] = {**select, "encoders": {}}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    for region in REGIONS:
        rows = [_marked(row) for row in split_rows(region, "detect")]
        if region == "nl":
            rows[0]["noun_en"] = {**rows[0]["noun_en"], "text": HOSTILE}
        splits.TABLE.save(project / splits.DETECT / f"{region}.parquet", rows)
    describe_neurons.STAGE.execute(model="atlas")
    return project


def _marked(row: dict) -> dict:
    modifier, noun = row["cultural"]["text"].split(" ")
    start = len(modifier) + 1
    spans = {"modifier_start": 0, "modifier_end": len(modifier), "noun_start": start, "noun_end": start + len(noun)}
    return {
        **row,
        "cultural": {**row["cultural"], **spans},
        "noun": {**row["noun"], "noun_start": 0, "noun_end": len(noun)},
    }


def trained(root: Path, seed: int) -> TopKSAE:
    folder = binding.sae_folder(root / binding.PATH.format(model="atlas"), "atlas")
    return saes.load(sae.seed_folder(folder, seed))


def test_every_culture_neuron_of_the_first_autoencoder_has_one_card(described: Path) -> None:
    found = cards.load(described / PATH)
    assert (found["sae_seed"], found["layer"], found["encoder"]) == (0, 1, "atlas")
    by_region = {code: {card["latent"] for card in found["cards"] if card["region"] == code} for code in REGIONS}
    assert by_region == {code: set(latents) for code, latents in NEURONS.items()}
    ranks = [(list(REGIONS).index(card["region"]), card["rank"]) for card in found["cards"]]
    assert ranks == sorted(ranks)


def test_how_often_a_neuron_fires_and_who_shares_it_is_what_the_selection_found(described: Path) -> None:
    rows = neurons.TABLE.load(binding.neurons_path(described / binding.PATH.format(model="atlas"), "atlas"))
    table = {(row["region"], row["latent"]): row for row in rows if row["sae_seed"] == 0}
    for card, code in product(cards.load(described / PATH)["cards"], REGIONS):
        (one,) = [fired for fired in card["fired"] if fired["region"] == code]
        row = table[code, card["latent"]]
        assert one["selected"] == row["selected"] == (card["latent"] in NEURONS[code])
        assert one["frequency"] == pytest.approx(row["frequency"]) and one["mean"] == pytest.approx(row["mean"])


def test_the_nearest_directions_and_the_twins_have_the_highest_cosines(described: Path) -> None:
    own, other = (trained(described, seed).decoder.numpy().astype(float) for seed in (0, 1))
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)  # noqa: E731
    within, across = unit(own) @ unit(own).T, unit(own) @ unit(other).T
    np.fill_diagonal(within, -2)
    for card in cards.load(described / PATH)["cards"]:
        order = np.argsort(-within[card["latent"]])[:2]
        assert [near["latent"] for near in card["near"]] == order.tolist()
        assert card["near"][0]["cosine"] == pytest.approx(within[card["latent"]].max(), abs=1e-5)
        assert [code for code in REGIONS if order[0] in NEURONS[code]] == card["near"][0]["regions"]
        (twin,) = card["twins"]
        assert (twin["sae_seed"], twin["latent"]) == (1, int(across[card["latent"]].argmax()))
        assert twin["same"] == (across[card["latent"]].max() >= 0.7)
        assert twin["selected"] == (twin["latent"] in NEURONS[card["region"]])


def test_captions_stand_by_language_the_strongest_first_and_marks_are_where_the_autoencoder_fires(
    described: Path,
) -> None:
    found = [caption for card in cards.load(described / PATH)["cards"] for caption in card["captions"]]
    assert {caption["language"] for caption in found} == {"ja", "nl", "en"}
    for card in cards.load(described / PATH)["cards"]:
        for language in {caption["language"] for caption in card["captions"]}:
            some = [caption["activation"] for caption in card["captions"] if caption["language"] == language]
            assert some == sorted(some, reverse=True) and len(some) <= 2 and min(some) > 0
        for mark in [mark for caption in card["captions"] for mark in caption["marks"]]:
            assert 0 < mark["share"] <= 1 and mark["start"] < mark["end"]


def test_a_neuron_alone_is_drawn_as_the_librarys_own_edit_draws_it(described: Path) -> None:
    found, rows = cards.load(described / PATH), cards.TABLE.load(described / cards.PICTURES.format(model="atlas"))
    drawn = {(row["region"], row["kind"]): row for row in rows}
    assert set(drawn) == set(product(REGIONS, cards.KINDS))
    model = load_section(Models, load_document()).root["atlas"]
    system = load_pinned(model, load_towers(Path("models/towers/atlas.json")), Path("models/systems/atlas"), 2)
    whole = trained(described, 0)
    for (region, kind), row in drawn.items():
        edits = {"amplified": amplify(whole, [row["latent"]], 5.0), "masked": mask(whole, [row["latent"]])}
        done = EncoderEdit(1, edits[kind], {"kind": kind}) if kind in edits else None
        assert Painter(system)([Shot(row["prompt"], 0, done)])[0] == row["image"], (region, kind)
    assert condition("amplified").caption == "noun" and condition("masked").caption == "cultural"
    pictured = [card for card in found["cards"] if card["amplified"]]
    assert len(pictured) == len(REGIONS)
    for card in pictured:
        assert card == next(one for one in found["cards"] if one["region"] == card["region"])
        for effect in (card["amplified"], card["masked"]):
            assert effect and (effect["n_prompts"], effect["n_images"]) == (2, 4)
            assert effect["low"] <= effect["value"] <= effect["high"]  # type: ignore[operator]


def test_the_page_shows_all_of_it_and_a_caption_stays_text(described: Path) -> None:
    page = (described / cards.PAGE.format(model="atlas")).read_text(encoding="utf-8")
    assert page.count('<details class="card"') == sum(map(len, NEURONS.values()))
    assert page.count("<img") == 4 * len(REGIONS)
    assert "<mark" in page and "Not comparable with published numbers" in page
    assert "<script" not in page
    assert ("&lt;script&gt;" in page) == any(
        caption["text"] == HOSTILE for card in cards.load(described / PATH)["cards"] for caption in card["captions"]
    )


def test_a_second_run_gives_the_same_bytes(described: Path) -> None:
    paths = [described / path.format(model="atlas") for path in (cards.PATH, cards.PICTURES, cards.PAGE)]
    first = [path.read_bytes() for path in paths]
    describe_neurons.STAGE.execute(model="atlas")
    assert [path.read_bytes() for path in paths] == first


def test_without_pictures_there_are_cards_all_the_same(described: Path) -> None:
    params = yaml.safe_load((described / "params.yaml").read_text())
    params["describe_neurons"]["pictured"] = 0
    (described / "params.yaml").write_text(yaml.safe_dump(params))
    describe_neurons.STAGE.execute(model="atlas")
    found = cards.load(described / PATH)
    assert len(found["cards"]) == 5 and not any(card["amplified"] or card["masked"] for card in found["cards"])
    assert cards.TABLE.load(described / cards.PICTURES.format(model="atlas")) == []
