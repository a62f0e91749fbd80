"""What a model may return for a picture: every fault is found and counted under a reason of its own."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.atlas.captions import cultural_caption, noun_caption
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.captions.draft import Rules, captions_of, draft_schema, problems, without_modifier
from culturebench.captions.spans import caption_row, modifier_span, noun_span, parse_caption
from culturebench.captions.wording import named_country, wrong_language, wrong_script

SCHEMA = draft_schema(("delft", "hindeloopen"))
RULES = Rules("nl", "Latn", ["NL"], 80)
GOOD: dict[str, Any] = {
    "caption": "een kom in Delftse stijl, op een houten vloer", "modifier": "in Delftse stijl", "noun": "kom",
    "caption_en": "a Delft-style bowl, on a wooden floor", "modifier_en": "Delft-style", "noun_en": "bowl",
    "subdivision": "delft", "cues": ["Blue and  white glaze", "tin glaze", "blue and white glaze"],
}  # fmt: skip


def reasons(experts: str = "", **changes: Any) -> list[str]:
    return [problem.reason for problem in problems(SCHEMA.model_validate(GOOD | changes), RULES, experts)]


def scenes(region: str, count: int) -> list[Scene]:
    dice = random.Random(region)
    _, subdivisions = REGIONS[region]
    return [Scene(*dice.choice(contexts()), region, dice.choice(subdivisions)) for _ in range(count)]


@cache
def region_file(region: str) -> dict[str, Any]:
    return yaml.safe_load(Path(f"annotations/regions/{region}.yaml").read_text(encoding="utf-8"))


def test_a_good_draft_becomes_two_captions_with_spans():
    assert reasons("delft") == []
    rows = captions_of(SCHEMA.model_validate(GOOD), RULES)
    assert rows["cultural"] == caption_row(GOOD["caption"], "nl", (4, 7), (8, 24))
    assert rows["cultural_en"] == caption_row(GOOD["caption_en"], "en", (14, 18), (2, 13))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"noun": "Kom"}, "noun_not_verbatim"),
        ({"noun": ""}, "noun_not_verbatim"),
        ({"caption": "een kom in Delftse stijl, in Delftse stijl"}, "modifier_not_unique"),
        ({"modifier_en": "Delft style"}, "modifier_not_verbatim"),
        ({"noun": "Delftse"}, "spans_overlap"),
        ({"caption": " "}, "empty"),
        ({"caption": GOOD["caption"] + " en nog veel meer" * 5}, "too_long"),
        ({"caption": "миска в делфтском стиле", "modifier": "в делфтском стиле", "noun": "миска"}, "wrong_script"),
        ({"caption": "een kom in Delftse stijl\x00"}, "wrong_script"),
        ({"caption": "a bowl in the Delft style, seen from afar on the grass", "modifier": "in the Delft style",
          "noun": "bowl"}, "wrong_language"),
        ({"caption": "een Nederlandse kom in Delftse stijl, op een houten vloer"}, "names_the_country"),
        ({"caption_en": "a Delft-style bowl, on a Dutch wooden floor"}, "names_the_country"),
        ({"cues": []}, "cues"),
        ({"cues": ["x" * 61]}, "cues"),
        ({"cues": ["глазурь"]}, "cues"),
    ],
)  # fmt: skip
def test_each_fault_has_its_reason(changes: dict[str, Any], reason: str):
    assert reasons(**changes) == [reason]


def test_the_country_may_stand_in_the_modifier():
    changed = {"caption": "een kom in Nederlandse stijl", "modifier": "in Nederlandse stijl"}
    assert reasons(**changed) == []


def test_of_two_equal_nouns_the_one_beside_the_modifier_is_meant_and_parts_of_words_do_not_count():
    text = "een kommetje naast een kom in Delftse stijl, achter een kom"
    draft = SCHEMA.model_validate(GOOD | {"caption": text})
    assert noun_span(captions_of(draft, RULES)["cultural"]) == (23, 26)


def test_what_the_experts_called_a_picture_stands():
    assert reasons("hindeloopen") == ["other_subdivision"]
    assert reasons("", subdivision="other") == []


@pytest.mark.parametrize("region", REGIONS)
def test_no_caption_of_the_atlas_in_any_language_is_taken_for_another_language_or_script(region: str):
    content = region_file(region)
    for scene in scenes(region, 40):
        for language, script in ((content["language"], content["script"]), ("en", "Latn")):
            text = cultural_caption(scene, language).text
            assert wrong_script(text, script) == "" == wrong_language(text, language), text
            assert named_country(noun_caption(scene, language).text, language, content["iso"]) == ""


def test_captions_in_the_wrong_language_are_found():
    scripts = {region_file(region)["language"]: region_file(region)["script"] for region in REGIONS}
    found = total = 0
    for scene in scenes("jp", 5):
        for expected, script in scripts.items():
            for actual in scripts.keys() - {expected}:
                text = noun_caption(scene, actual).text
                found += bool(wrong_script(text, script) or wrong_language(text, expected))
                total += 1
    assert found / total > 0.98


@pytest.mark.parametrize(
    ("text", "language", "iso", "found"),
    [
        ("глиняный российский горшок", "ru", "RU", True), ("русская изба", "ru", "RU", True),
        ("ein polnischer Teller", "de", "DE", False), ("eine deutsche Tür", "de", "DE", True),
        ("talerz z Polski", "pl", "PL", True), ("日本の鉢", "ja", "JP", True), ("한국의 그릇", "ko", "KR", True),
        ("وعاء مغربي", "ar", "MA", True), ("a china plate", "en", "CN", False),
        ("a plate from China", "en", "CN", True), ("a Polish plate", "en", "PL", True),
        ("a polished plate", "en", "PL", False), ("中式碗", "zh", "CN", False),
        ("một cái bát Việt Nam", "vi", "VN", True), ("uma casa portuguesa", "pt", "PT", True),
    ],
)  # fmt: skip
def test_a_country_or_its_people_is_found_by_its_usual_names(text: str, language: str, iso: str, found: bool):
    assert bool(named_country(text, language, [iso])) == found


@pytest.mark.parametrize(
    ("language", "iso", "texts"),
    [
        ("es", "ES", "un espantapájaros|una máscara espantosa|no se espanta"),
        ("fr", "ML GN SN", "un renard malin|une figure maligne|de malice|une bière guiness|le nigeria"),
        ("ar", "QA", "قطرة ماء"), ("ar", "EG", "باب مصرف"), ("ar", "BH", "على البحر|سفينة بحرية"),
        ("ar", "SD", "قط أسود|عباءة سوداء"), ("ar", "DZ", "أجزاء من جزار"), ("ar", "IQ", "ثياب العرائس|أعراض"),
        ("ar", "KW", "كويكب"), ("ar", "YE", "يمنع|اليد اليمنى|فيمن"), ("ar", "JO", "الباردة|أردت"),
        ("ar", "SY", "سور المدينة"), ("ar", "MA", "مغرور"), ("ar", "TN", "عربات على الطريق"),
        ("nl", "NL", "een nederlaag"), ("hi", "IN", "महाभारत का दृश्य"), ("ru", "RU", "турнедо россини"),
        ("vi", "VN", "bút để viết những chữ"), ("tr", "TR", "eski bir türkü"),
    ],
)  # fmt: skip
def test_no_ordinary_word_is_taken_for_a_country(language: str, iso: str, texts: str):
    assert [named_country(text, language, iso.split()) for text in texts.split("|")] == [""] * len(texts.split("|"))


@pytest.mark.parametrize(
    ("language", "iso", "words"),
    [
        ("es", "ES", "España español española españoles ESPAÑOLAS espanola"),
        ("fr", "ML SN GN BJ TG NE CM", "malien maliennes sénégalaise guinéen béninoise togolais nigérien"),
        ("ar", "EG QA SD IQ SY YE LY", "مصرية والمصري بمصر قطري السودانية عراقيين سورية السوري يمنية وعراقي ليبي"),
        ("ar", "BH DZ", "البحرينية جزائري للجزائر العربية عربي للعرب"),
        ("nl", "NL", "Nederlandse Nederlander Nederlandstalig"), ("hi", "IN", "भारतीय भारत भारतीयों"),
        ("it", "IT", "italiane dell'Italia italici"), ("pt", "PT", "portuguesas português"),
        ("pl", "PL", "polskiego Polskę polskimi"), ("uk", "UA", "української українці українка України"),
        ("ru", "RU", "российскими россиянка русскую России"), ("tr", "TR", "Türkiye'de Türkiyeli Türkçesi"),
        ("vi", "VN", "Việt Nam"), ("ko", "KR", "한국식"), ("sv", "FI", "finländsk Finlands"),
    ],
)  # fmt: skip
def test_the_forms_of_a_country_and_its_people_are_found(language: str, iso: str, words: str):
    assert [word for word in words.split(" ") if not named_country(word, language, iso.split())] == []


@pytest.mark.parametrize(
    ("text", "modifier", "expected"),
    [
        ("a Delft-style bowl, on grass", "Delft-style", "a bowl, on grass"),
        ("een kom in Delftse stijl, op gras", "in Delftse stijl", "een kom, op gras"),
        ("een kom in Delftse stijl", "in Delftse stijl", "een kom"),
        ("和風の鉢、草の上", "和風の", "鉢、草の上"),
    ],
)
def test_a_draft_of_a_noun_caption_is_the_cultural_one_without_its_modifier(text: str, modifier: str, expected: str):
    nouns = ("bowl", "kom", "鉢")
    noun = next(word for word in nouns if word in text)
    draft = without_modifier(parse_caption({"text": text, "modifier": modifier, "noun": noun}, "en"))
    span = noun_span(draft)
    assert draft["text"] == expected and modifier_span(draft) is None
    assert span and draft["text"][slice(*span)] == noun


@pytest.mark.parametrize("region", REGIONS)
def test_without_its_modifier_the_atlas_s_cultural_caption_is_its_noun_caption(region: str):
    for scene in scenes(region, 10):
        for language in (REGIONS[region][0], "en"):
            cultural, noun = cultural_caption(scene, language), noun_caption(scene, language)
            row = caption_row(cultural.text, language, cultural.noun_span, cultural.modifier_span)
            assert without_modifier(row) == caption_row(noun.text, language, noun.noun_span)
