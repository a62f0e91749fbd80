"""Captions of atlas pictures and the region files that belong to them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import yaml

from culturebench.atlas import captions, world
from culturebench.atlas.captions import (
    MODIFIERS,
    Caption,
    cultural_caption,
    neutral_caption,
    noun_caption,
    unseen_caption,
)
from culturebench.atlas.world import LANGUAGES, REGIONS, Scene

REGION_FILES = Path(__file__).parents[2] / "annotations" / "regions"
REGION_KEYS = {
    "code", "country", "iso", "judge_label", "language", "script", "keywords", "subdivisions", "modifiers",
    "neutral_modifiers", "placebo_modifiers", "exclude", "notes",
}  # fmt: skip
CATEGORIES = {"architecture", "clothing", "food", "instruments", "crafts", "festivals", "landscape"}
SUBDIVISIONS = [(region, subdivision) for region, (_, pair) in REGIONS.items() for subdivision in pair]


@pytest.fixture(scope="module")
def lexicon() -> dict:
    return captions._lexicon()


def scene(obj: str = "boat", region: str = "", subdivision: str = "") -> Scene:
    return Scene(obj, "stone_floor", "night", "far", "bird", region, subdivision)


def noun_of(caption: Caption) -> str:
    return caption.text[slice(*caption.noun_span)]


def modifier_of(caption: Caption) -> str:
    assert caption.modifier_span is not None
    return caption.text[slice(*caption.modifier_span)]


def region_file(code: str) -> dict:
    return yaml.safe_load((REGION_FILES / f"{code}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lexicon_has_every_word_of_a_language(lexicon: dict, language: str) -> None:
    for section, keys in (
        ("nouns", world.OBJECTS),
        ("places", world.PLACES),
        ("lights", world.LIGHTS),
        ("framings", world.FRAMINGS),
        ("companions", world.COMPANIONS),
    ):
        words = lexicon[section][language]
        assert set(words) == set(keys), section
        assert len(set(words.values())) == len(keys), section
        assert all(isinstance(word, str) and word == word.strip() for word in words.values()), section
        assert [key for key, word in words.items() if not word] == [key for key in keys if key == "none"], section
    assert set(lexicon["articles"].get(language, world.OBJECTS)) == set(world.OBJECTS)
    assert len(set(lexicon["neutral_modifiers"][language])) == 2
    assert lexicon["layout"][language]["modifier_position"] in ("before", "after")


@pytest.mark.parametrize(
    "section", ["layout", "nouns", "places", "lights", "framings", "companions", "neutral_modifiers"]
)
def test_a_section_of_the_lexicon_covers_exactly_the_languages_of_the_world(lexicon: dict, section: str) -> None:
    assert set(lexicon[section]) == set(LANGUAGES)


def test_the_lexicon_has_a_modifier_for_every_subdivision_in_its_language_and_english(lexicon: dict) -> None:
    found = {(r, s): set(words) for r, pair in lexicon["modifiers"].items() for s, words in pair.items()}
    assert found == {(r, s): {REGIONS[r][0], "en"} for r, s in SUBDIVISIONS}


def test_every_subdivision_has_three_modifiers_in_either_language_and_one_more_that_is_unseen(lexicon: dict) -> None:
    for region, subdivision in SUBDIVISIONS:
        known = lexicon["modifiers"][region][subdivision]
        assert {language: len(words) for language, words in known.items()} == {REGIONS[region][0]: 3, "en": 3}
        assert set(lexicon["unseen_modifiers"][region][subdivision]) == {REGIONS[region][0], "en"}


def test_no_two_modifiers_are_alike_so_that_each_tells_its_subdivision(lexicon: dict) -> None:
    known = [
        word for pair in lexicon["modifiers"].values() for both in pair.values() for w in both.values() for word in w
    ]
    unseen = [
        word for pair in lexicon["unseen_modifiers"].values() for words in pair.values() for word in words.values()
    ]
    assert len({*known, *unseen}) == len(known) + len(unseen) == 2 * (MODIFIERS + 1) * len(SUBDIVISIONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_noun_captions_differ_whenever_the_pictures_do(language: str) -> None:
    contexts = world.contexts()
    assert len(contexts) == 1344
    assert len({noun_caption(Scene(*context), language).text for context in contexts}) == len(contexts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_noun_span_cuts_out_exactly_the_noun(lexicon: dict, language: str) -> None:
    for obj in world.OBJECTS:
        for caption in (noun_caption(scene(obj), language), neutral_caption(scene(obj), language)):
            assert noun_of(caption) == lexicon["nouns"][language][obj]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_caption_is_normalised_text(language: str) -> None:
    for context in world.contexts():
        text = noun_caption(Scene(*context), language).text
        assert unicodedata.is_normalized("NFC", text)
        assert text == text.strip() and "  " not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_noun_caption_has_no_modifier_and_does_not_betray_the_region(language: str) -> None:
    plain = noun_caption(scene(), language)
    assert plain.modifier_span is None
    assert plain == noun_caption(scene(region="jp", subdivision="asanoha"), language)


@pytest.mark.parametrize(("region", "subdivision"), SUBDIVISIONS)
def test_a_cultural_caption_is_the_noun_caption_with_the_modifier(lexicon: dict, region: str, subdivision: str) -> None:
    for language in (REGIONS[region][0], "en"):
        for obj in world.OBJECTS:
            variant = world.OBJECTS.index(obj) % MODIFIERS
            caption = cultural_caption(scene(obj, region, subdivision), language, variant)
            assert modifier_of(caption) == lexicon["modifiers"][region][subdivision][language][variant]
            assert noun_of(caption) == lexicon["nouns"][language][obj]
            start, end = caption.modifier_span
            # With a space between words one of the two neighbouring spaces goes with the modifier.
            without = caption.text[:start] + caption.text[end:].removeprefix(" ")
            if lexicon["layout"][language]["modifier_position"] == "after":
                without = caption.text[:start].rstrip(" ") + caption.text[end:]
            assert without == noun_caption(scene(obj), language).text
            assert unicodedata.is_normalized("NFC", caption.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_neutral_caption_carries_one_of_two_culture_free_modifiers(lexicon: dict, language: str) -> None:
    found = [modifier_of(neutral_caption(scene(), language, variant)) for variant in (0, 1)]
    assert found == lexicon["neutral_modifiers"][language]


def test_neutral_modifiers_are_about_as_long_as_cultural_ones(lexicon: dict) -> None:
    for language, neutral in lexicon["neutral_modifiers"].items():
        both = [words for pair in lexicon["modifiers"].values() for words in pair.values()]
        cultural = [word for words in both for word in words.get(language, [])]
        ratio = (sum(map(len, neutral)) / len(neutral)) / (sum(map(len, cultural)) / len(cultural))
        assert 0.6 <= ratio <= 1.6, (language, ratio)


@pytest.mark.parametrize(("region", "subdivision"), SUBDIVISIONS)
def test_an_unseen_caption_differs_from_a_cultural_one_in_its_modifier_alone(region: str, subdivision: str) -> None:
    for language in (REGIONS[region][0], "en"):
        shown = scene("vase", region, subdivision)
        seen, unseen = cultural_caption(shown, language), unseen_caption(shown, language)
        assert modifier_of(seen) != modifier_of(unseen)
        assert seen.text.replace(modifier_of(seen), modifier_of(unseen)) == unseen.text


@pytest.mark.parametrize(("region", "subdivision"), SUBDIVISIONS)
def test_scenes_of_one_subdivision_share_out_its_modifiers_and_say_the_same_in_both_languages(
    lexicon: dict, region: str, subdivision: str
) -> None:
    known = lexicon["modifiers"][region][subdivision]
    scenes = [Scene(*context, region=region, subdivision=subdivision, seed=1) for context in world.contexts()[:240]]
    local, english = (
        [known[language].index(modifier_of(cultural_caption(s, language))) for s in scenes]
        for language in (REGIONS[region][0], "en")
    )
    assert local == english
    assert all(50 <= local.count(variant) <= 110 for variant in range(MODIFIERS))


def test_a_modifier_that_is_not_there_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="valid: 0 to 2"):
        cultural_caption(scene(region="jp", subdivision="asanoha"), "ja", 3)


def test_a_cultural_caption_in_a_foreign_language_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="valid: ja, en"):
        cultural_caption(scene(region="jp", subdivision="asanoha"), "de")


def test_a_cultural_caption_of_a_plain_object_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a region"):
        cultural_caption(scene(), "en")


def test_a_cultural_caption_with_another_regions_ornament_is_refused() -> None:
    with pytest.raises(ValueError, match="valid: seigaiha, asanoha"):
        cultural_caption(scene(region="jp", subdivision="girih"), "en")


@pytest.mark.parametrize("caption", [noun_caption, neutral_caption])
def test_an_unknown_language_is_refused_with_the_valid_ones(caption) -> None:
    with pytest.raises(ValueError, match="valid: en, ar"):
        caption(scene(), "xx")


@pytest.mark.parametrize("variant", [-1, 2])
def test_an_unknown_neutral_variant_is_refused(variant: int) -> None:
    with pytest.raises(ValueError, match="valid: 0 to 1"):
        neutral_caption(scene(), "en", variant)


def test_every_region_of_the_world_has_a_region_file() -> None:
    assert {path.stem for path in REGION_FILES.glob("*.yaml")} >= set(REGIONS)


@pytest.mark.parametrize("code", REGIONS)
def test_a_region_file_agrees_with_the_world(code: str) -> None:
    region = region_file(code)
    language, subdivisions = REGIONS[code]
    assert set(region) == REGION_KEYS
    assert (region["code"], region["language"]) == (code, language)
    assert tuple(region["subdivisions"])[:2] == subdivisions
    assert len(region["subdivisions"]) >= 3


@pytest.mark.parametrize("code", REGIONS)
def test_a_region_file_gives_every_word_list_in_both_languages(code: str) -> None:
    region = region_file(code)
    assert set(region["keywords"]) == CATEGORIES
    lists = {name: region[name] for name in ("modifiers", "neutral_modifiers")} | region["keywords"]
    for name, subdivision in region["subdivisions"].items():
        assert set(subdivision) == {"name", "local_name", "keywords"}
        lists[name] = subdivision["keywords"]
    for name, both in lists.items():
        assert set(both) == {"local", "en"}, name
        assert len(both["local"]) == len(both["en"]), name
        for words in both.values():
            assert 2 <= len(words) <= 4 and len(set(words)) == len(words), name
            assert all(isinstance(word, str) and unicodedata.is_normalized("NFC", word) for word in words), name


@pytest.mark.parametrize("code", REGIONS)
def test_placebo_modifiers_are_enough_to_be_dealt_and_as_long_as_the_cultural_ones(code: str, lexicon: dict) -> None:
    words = region_file(code)["placebo_modifiers"]
    assert set(words) == {"local", "en"} and len(words["local"]) == len(words["en"]) >= 8
    language = REGIONS[code][0]
    cultural = [word for each in lexicon["modifiers"][code].values() for word in each[language]]
    for local in words["local"]:
        assert unicodedata.is_normalized("NFC", local) and local not in cultural
    ratio = sum(map(len, words["local"])) / len(words["local"]) / (sum(map(len, cultural)) / len(cultural))
    assert 0.4 <= ratio <= 1.6, ratio


@pytest.mark.parametrize("code", REGIONS)
def test_a_region_file_explains_its_exclusions_and_names_its_countries(code: str) -> None:
    region = region_file(code)
    assert region["iso"] and all(isinstance(iso, str) and len(iso) == 2 and iso.isupper() for iso in region["iso"])
    assert region["exclude"] and region["notes"].strip()
    for exclusion in region["exclude"]:
        assert set(exclusion) == {"what", "reason"}
        assert all(isinstance(text, str) and text for text in exclusion.values())


def test_judges_can_tell_all_regions_apart_by_label() -> None:
    labels = [region_file(code)["judge_label"] for code in REGIONS]
    assert len(set(labels)) == len(REGIONS)
