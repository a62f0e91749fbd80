"""Spans of captions are checked and survive normalisation; people and templates write the same rows."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from culturebench.annotation.lines import AnnotationError
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.captions.human import HumanCaptions, read_human_captions
from culturebench.captions.providers import AtlasProvider, Picture, TemplateProvider
from culturebench.captions.spans import ROLES, CaptionError, caption_row, parse_caption
from culturebench.captions.template import Unwritten, with_modifier
from culturebench.params._region import Words

ID = "b" * 64
GIVEN = ("cultural", "noun", "neutral", "cultural_en", "noun_en")


def part(row: dict, name: str) -> str:
    return row["text"][row[f"{name}_start"] : row[f"{name}_end"]]


def test_a_span_is_given_as_words_or_as_offsets():
    for noun in ("bowl", [12, 16]):
        row = parse_caption({"text": "a seigaiha, bowl", "noun": noun, "modifier": "seigaiha"}, "en")
        assert (part(row, "noun"), part(row, "modifier")) == ("bowl", "seigaiha")
    assert part(parse_caption({"text": " rice bowl ", "noun": "*"}, "en"), "noun") == "rice bowl"


def test_spans_move_with_normalisation():
    text = unicodedata.normalize("NFD", "garçon à l'éventail brodé")
    start = text.index(unicodedata.normalize("NFD", "éventail"))
    for noun in (unicodedata.normalize("NFD", "éventail"), [start, start + len("éventail") + 1]):
        row = parse_caption({"text": text, "noun": noun}, "fr")
        assert part(row, "noun") == "éventail" and unicodedata.is_normalized("NFC", row["text"])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "empty"),
        (3, "a caption is"),
        ({"text": "a bowl", "noun": "cup"}, "0 times"),
        ({"text": "a bowl in a bowl", "noun": "bowl"}, "2 times"),
        ({"text": "a bowl", "noun": [2, 9]}, "does not lie within"),
        ({"text": "a bowl", "noun": [4, 2]}, "does not lie within"),
        ({"text": "a bowl", "noun": [True, 3]}, "must be"),
        ({"text": "a bowl", "noun": "bowl", "modifier": "a bowl"}, "overlap"),
        ({"text": "a bowl", "nuon": "bowl"}, "unknown key nuon"),
        ("a\ud800", "surrogate"),
    ],
)
def test_a_caption_that_contradicts_itself_is_refused(value, says: str):
    with pytest.raises(CaptionError, match=says):
        parse_caption(value, "en")


@pytest.mark.parametrize("region", REGIONS)
def test_the_atlas_captions_a_scene_as_what_the_experts_called_it(region: str):
    language, subdivisions = REGIONS[region]
    scene = Scene(*contexts()[100], region="", subdivision="")
    picture = Picture(ID, region, subdivisions[1], scene.__dict__)
    rows = AtlasProvider().write([picture])[0].captions
    assert set(rows) == set(ROLES)
    assert rows["cultural"]["language"] == rows["noun"]["language"] == language
    assert part(rows["cultural"], "noun") == part(rows["noun"], "noun")
    assert part(rows["cultural"], "modifier") and rows["noun"]["modifier_start"] == -1


def test_the_atlas_says_nothing_of_other_pictures():
    scene = Scene(*contexts()[0])
    strangers = [Picture(ID, "jp", "seigaiha"), Picture(ID, "jp", "ainu", scene.__dict__)]
    assert [written.captions for written in AtlasProvider().write(strangers)] == [{}, {}]


@pytest.mark.parametrize(
    ("text", "language", "noun", "modifier", "expected"),
    [
        ("赤い鉢", "ja", (2, 3), "和風の", "赤い和風の鉢"),
        ("красный сосуд на столе", "ru", (8, 13), "в русском стиле", "красный сосуд в русском стиле на столе"),
        ("a red bowl on a table", "en", (6, 10), "Dutch-style", "a red Dutch-style bowl on a table"),
        ("a red bowl", "en", (6, 10), "in the traditional Dutch style", "a red bowl in the traditional Dutch style"),
        ("ชาม", "th", (0, 3), "สไตล์ไทย", "ชามสไตล์ไทย"),
    ],
)
def test_the_modifier_stands_where_its_language_puts_it(text, language, noun, modifier, expected):
    row = with_modifier(caption_row(text, language, noun), modifier)
    assert row["text"] == expected
    assert (part(row, "noun"), part(row, "modifier")) == (text[slice(*noun)], modifier)


@pytest.mark.parametrize(
    ("text", "language", "modifier", "expected", "noun"),
    [
        ("The letter s", "en", "Korean-style", "The Korean-style letter s", "letter s"),
        ("an urn of clay.", "en", "Korean-style", "a Korean-style urn of clay.", "urn of clay"),
        ("A bowl", "en", "Italian-style", "An Italian-style bowl", "bowl"),
        ("a bowl", "en", "Ukrainian-style", "a Ukrainian-style bowl", "bowl"),
        ("bowl of rice", "en", "Korean-style", "Korean-style bowl of rice", "bowl of rice"),
        ("A bowl.", "en", "in the traditional Korean style", "A bowl in the traditional Korean style.", "bowl"),
        ("Ein Haus am See.", "de", "im deutschen Stil", "Ein Haus am See im deutschen Stil.", "Ein Haus am See"),
        ("赤い鉢", "ja", "和風の", "和風の赤い鉢", "赤い鉢"),
        ("kırmızı kase", "tr", "Türk tarzı", "Türk tarzı kırmızı kase", "kırmızı kase"),
    ],
)
def test_without_a_marked_noun_all_but_the_article_counts_and_the_article_stays_right(
    text: str, language: str, modifier: str, expected: str, noun: str
):
    row = with_modifier(caption_row(text, language), modifier)
    assert (row["text"], part(row, "noun"), part(row, "modifier")) == (expected, noun, modifier)


@pytest.mark.parametrize(
    ("text", "language", "noun", "says"),
    [
        ("Letter s", "en", None, "'Letter' may have a capital"),
        ("The letter s", "ko", None, "'The' may have a capital"),
        ("Kırmızı kase", "tr", (0, 12), "'Kırmızı' may have a capital"),
        ("A bowl. It is red", "en", None, "several sentences"),
        ("这是一个碗。它是红色的", "zh", None, "several sentences"),
    ],
)
def test_a_template_leaves_to_people_what_it_would_get_wrong(text: str, language: str, noun, says: str):
    with pytest.raises(Unwritten, match=says):
        with_modifier(caption_row(text, language, noun), "Korean-style")
    template = TemplateProvider(Words(local=["Korean-style"], en=["x"]), Words(local=["plain"], en=["plain"]))
    given = dict.fromkeys(GIVEN) | {"noun": caption_row(text, language, noun)}
    (written,) = template.write([Picture(ID, "xx", "", given=given)])
    assert set(written.captions) == {"noun"} and written.reason == "not_by_template" and says in written.detail


def test_a_capital_in_the_middle_is_the_word_s_own():
    row = with_modifier(caption_row("a small Buddha", "en", (8, 14)), "Thai-style")
    assert row["text"] == "a small Thai-style Buddha"


def test_a_template_needs_a_noun_caption_and_keeps_what_came_with_the_picture():
    template = TemplateProvider(
        Words(local=["in Nederlandse stijl"], en=["Dutch-style"]), Words(local=["in gewone stijl"], en=["plain"])
    )
    assert template.write([Picture(ID, "nl", "")])[0].captions == {}
    noun = parse_caption({"text": "een kom", "noun": "kom"}, "nl")
    given = dict.fromkeys(GIVEN) | {"noun": noun, "cultural_en": parse_caption("a Delft bowl", "en")}
    rows = template.write([Picture(ID, "nl", "", given=given)])[0].captions
    assert rows["cultural"]["text"] == "een kom in Nederlandse stijl"
    assert rows["neutral"]["text"] == "een kom in gewone stijl"
    assert rows["cultural_en"]["text"] == "a Delft bowl" and "noun_en" not in rows


def test_an_audit_holds_once_enough_people_agree_on_the_same_words(tmp_path: Path):
    def line(who: str, audit: str, text: str | None = None, **more: Any) -> dict[str, Any]:
        return {"picture_id": ID, "annotator": who, "audit": audit, **({"cultural": text} if text else {}), **more}

    def read(*lines: dict[str, Any], auditors: int = 2) -> HumanCaptions:
        (tmp_path / "nl.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        return read_human_captions(tmp_path / "nl.jsonl", "nl", auditors)[ID]

    right, cliché = line("a", "correct", "een kom"), line("b", "stereotype")
    alone = read(right | {"noun": "een bord"})
    assert (alone.audit, alone.audits, set(alone.captions)) == (
        "",
        ("correct",),
        {"noun"},
    )  # words of people's own count
    assert read(right, auditors=1).audit == "correct"
    both = read(line("b", "correct", "een kom"), right)
    assert (both.audit, both.captions["cultural"]["text"]) == ("correct", "een kom")
    apart = read(right, cliché)
    assert (apart.audit, apart.rejected, apart.audits, apart.captions) == ("", "", ("correct", "stereotype"), {})
    third = read(right, cliché, line("c", "stereotype"))
    assert (third.audit, third.rejected, third.captions) == ("stereotype", "stereotype", {})
    assert read(right, cliché, line("c", "stereotype"), line("d", "correct", "een kom")).audit == ""  # two against two
    assert read(right, line("b", "correct", "een andere kom")).audit == ""  # they saw other words
    anew = read(line("b", "edit", "een schaal"), line("a", "edit", "een bak"))
    assert (anew.audit, anew.captions["cultural"]["text"]) == ("edit", "een bak")  # the first by pseudonym
    with pytest.raises(AnnotationError, match=r"nl.jsonl:2: a second line of a on picture"):
        read(right, right)


def test_people_s_captions_are_read_and_a_wrong_one_is_named(tmp_path: Path):
    path = tmp_path / "nl.jsonl"
    good = {"picture_id": ID, "noun": {"text": "een kom", "noun": "kom"}}
    path.write_text(json.dumps(good) + "\n" + json.dumps({"picture_id": "c" * 64, "verdict": "reject"}) + "\n")
    captions = read_human_captions(path, "nl")
    assert part(captions[ID].captions["noun"], "noun") == "kom" and captions["c" * 64].rejected
    path.write_text(json.dumps(good) + "\n" + json.dumps(good | {"picture_id": "c" * 64, "noun": {"text": ""}}) + "\n")
    with pytest.raises(AnnotationError, match=r"nl\.jsonl:2: `noun`"):
        read_human_captions(path, "nl")
