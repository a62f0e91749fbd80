"""What is wrong in a region file is named by file and key; what is only odd is a warning."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import regex
import yaml

from culturebench.regions.check import check, codes
from culturebench.regions.model import CATEGORIES, load_whole_region
from culturebench.regions.words import countries, strangers, usual_script
from import_graph import ROOT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "annotations/regions", tmp_path / "annotations/regions")
    return tmp_path


def change(root: Path, code: str, edit: Any) -> None:
    path = root / f"annotations/regions/{code}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_the_projects_own_regions_are_in_order_without_a_warning() -> None:
    found = check(ROOT, codes(ROOT))
    assert not found.errors and not found.warnings
    assert {*yaml.safe_load((ROOT / "params.yaml").read_text())["regions"], "in", "vn"} <= set(codes(ROOT))


def test_regions_whose_subdivisions_no_expert_has_validated_are_named(root: Path) -> None:
    change(root, "jp", lambda region: region.update(validated_by=["heron", "ibis_2"]))
    assert check(root, ["jp", "nl"]).unvalidated == ("nl",)
    change(root, "jp", lambda region: region.update(validated_by=["Jane Doe"]))
    (error,) = check(root, ["jp"]).errors
    assert "validated_by.0" in error


@pytest.mark.parametrize("code", codes(ROOT))
def test_a_region_is_written_in_the_usual_script_of_its_language(code: str) -> None:
    region = load_whole_region(ROOT, code)
    assert region.script == usual_script(region.language)


@pytest.mark.parametrize("code", codes(ROOT))
def test_every_category_and_subdivision_is_searched_in_both_languages_by_words_of_its_own(code: str) -> None:
    region = load_whole_region(ROOT, code)
    assert set(region.keywords) >= set(CATEGORIES) and len(region.subdivisions) >= 3
    for words in region.keywords.values():
        assert len(words.local) >= 3 and len(words.en) >= 3
    searched = [tuple(part.keywords.local) for part in region.subdivisions.values()]
    assert len(set(searched)) == len(searched)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda region: region.update(language="xx"), "language: unknown language"),
        (lambda region: region.update(script="Abcd"), "script: unknown script"),
        (lambda region: region.update(iso=["VN", "ZZ"]), "iso: not a country of ISO 3166: ZZ"),
        (lambda region: region.update(iso=[False]), "iso.0: YAML reads this word as False; put it in quotes"),
        (lambda region: region["keywords"]["food"].update(local=[]), "keywords.food.local: it is empty"),
        (lambda region: region["keywords"].pop("crafts"), "keywords: missing: crafts"),
        (lambda region: region["keywords"]["food"].update(en=["pho", "pho"]), "keywords.food.en: stands twice: pho"),
        (
            lambda region: region.update(subdivisions=dict([*region["subdivisions"].items()][:2])),
            "subdivisions: 3 or more are needed (got 2)",
        ),
        (lambda region: region["subdivisions"]["dong_ho"].pop("local_name"), "dong_ho.local_name: it is missing"),
        (lambda region: region["exclude"][0].pop("reason"), "exclude.0.reason: it is missing"),
        (lambda region: region.update(curency="dong"), "curency: unknown key"),
        (lambda region: region.pop("modifiers"), "modifiers: it is missing"),
        (lambda region: region.update(code="jp"), "'jp' is that of"),
        (lambda region: region.update(judge_label="Japan"), "judge_label: 'Japan' is that of"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(root: Path, edit: Any, said: str) -> None:
    change(root, "vn", edit)
    (error,) = check(root, ["jp", "vn"]).errors
    assert error.startswith(f"{root}/annotations/regions/vn.yaml: ")
    assert said in error


def test_a_key_that_stands_twice_is_refused_with_its_line(root: Path) -> None:
    path = root / "annotations/regions/vn.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "country: Laos\n", encoding="utf-8")
    (error, *_) = check(root, ["vn"]).errors
    assert "the key `country` stands twice" in error


def test_all_mistakes_of_all_files_are_told_at_once(root: Path) -> None:
    change(root, "vn", lambda region: region.update(language="xx", script="Abcd"))
    change(root, "jp", lambda region: region["keywords"]["food"].update(local=[], en=[]))
    assert len(check(root, ["jp", "vn", "atlantis"]).errors) == 5


@pytest.mark.parametrize(
    ("code", "term", "letters"),
    [("jp", "kimono", "kimon"), ("ua", "вишивaнка", "a"), ("arab", "Kaftan", "Kaftn"), ("vn", "áо dài", "о")],
)
def test_letters_of_another_script_are_a_warning_even_one_that_only_looks_alike(
    root: Path, code: str, term: str, letters: str
) -> None:
    change(root, code, lambda region: region["keywords"]["clothing"]["local"].append(term))
    found = check(root, [code])
    assert not found.errors
    (warning,) = found.warnings
    assert "keywords.clothing.local" in warning and warning.endswith(f": {letters}")


def test_an_english_word_in_other_letters_is_a_warning_as_well(root: Path) -> None:
    change(root, "ru", lambda region: region["keywords"]["food"]["en"].append("борщ"))
    (warning,) = check(root, ["ru"]).warnings
    assert "keywords.food.en" in warning


def test_marks_and_signs_that_scripts_share_are_no_strangers() -> None:
    assert not strangers("合掌造り・ラーメン々 2", "Jpan")
    assert not strangers("thổ cẩm Chu Đậu", "Latn")
    assert not strangers("दाल-बाटी, चूरमा", "Deva")
    assert strangers("한옥 hanok", "Kore") == "hanok"


def test_every_country_code_is_of_two_capital_letters() -> None:
    assert all(regex.fullmatch("[A-Z]{2}", code) for code in countries()) and len(countries()) > 240
