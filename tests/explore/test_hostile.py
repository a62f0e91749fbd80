"""Hostile names, captions, prompts and answers are text on the page to explore on, and in the lines that it gives."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts.cards import Card, Cards
from culturebench.explore import shown
from culturebench.explore.project import Named
from culturebench.explore.settings import MAX_LETTERS, Settings, code_of
from culturebench.explore.studio import Picture, Studio, open_studio
from culturebench.report.cards import of_region, page
from hostile_corpus import TEXTS
from import_graph import ROOT
from read_back import html_words, structure

MODEL, HARMLESS = "atlas", "a bowl of rice"
PROMPTS = [text for text in TEXTS if text.strip() and len(text) <= MAX_LETTERS]


def name_regions(folder: Path, text: str) -> None:
    """The regions of the project are called `text`."""
    for code in ("jp", "nl"):
        path = folder / f"annotations/regions/{code}.yaml"
        region = yaml.safe_load((ROOT / f"annotations/regions/{code}.yaml").read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump({**region, "country": text}), encoding="utf-8")


@pytest.fixture
def own_regions(folder: Path) -> Path:
    """The project with region files of its own."""
    (folder / "annotations/regions").unlink()
    shutil.copytree(ROOT / "annotations/regions", folder / "annotations/regions")
    return folder


def parts(studio: Studio, picture: Picture, text: str) -> Iterator[str]:
    """All HTML of the page that holds a stranger's text, each piece with `text` in it."""
    asked = replace(picture, settings=replace(picture.settings, prompt=text), region="jp")
    yield shown.pictures(studio, [(picture, {}), (asked, {text: text})])
    yield shown.pictures(studio, [(asked, {text: text})], strip=True)
    yield shown.note(text)
    yield shown.reason(text)
    yield shown._as_it_is(of_region(cards(text), [], "jp"))
    yield page(text, "atlas", cards(text), [])


def cards(text: str) -> Cards:
    caption: Any = {"region": "jp", "language": "ja", "text": text, "activation": 2.0, "marks": []}
    card: Card = {
        "region": "jp", "latent": 5, "rank": 0, "score": 1.5, "amplified": None, "masked": None, "twins": [],
        "captions": [caption], "near": [],
        "fired": [{"region": "nl", "frequency": 0.5, "frequency_noun": 0.0, "mean": 1.0, "selected": True}],
    }  # fmt: skip
    return {
        "encoder": text, "layer": 1, "sae_seed": 0, "positions": "summary", "judge": text, "amplify": 8.0,
        "prompts": 0, "seeds": [0], "cards": [card],
    }  # fmt: skip


def test_a_page_of_hostile_texts_has_the_tags_of_a_harmless_one(own_regions: Path) -> None:
    studio = open_studio(MODEL)
    picture = studio.made(Settings("bowl_ja", mode="amplify", region="jp", strength=2.5, seed=3, steps=1))
    expected = [structure(part) for part in parts(studio, picture, HARMLESS)]
    for text in PROMPTS:
        studio.project.regions["jp"] = Named(country=text, language="ja")
        for part, tags in zip(parts(studio, picture, text), expected, strict=True):
            assert structure(part) == tags, repr(text)
            assert words(text) in words(html_words(part)), repr(text)


def words(text: str) -> str:
    """Without spaces, and without what no HTML can hold."""
    return "".join(text.replace("\x00", "�").split())


def test_the_whole_page_of_a_project_with_hostile_names_holds_html_of_its_own_alone(own_regions: Path) -> None:
    built = pytest.importorskip("culturebench.explore.page")

    def pieces(text: str) -> tuple[list[str], list[Any]]:
        name_regions(own_regions, text)
        components = built.build(open_studio(MODEL)).get_config_file()["components"]
        html = [structure(str(one["props"].get("value") or "")) for one in components if one["type"] == "html"]
        return [one["type"] for one in components], html

    expected = pieces(HARMLESS)
    assert "markdown" not in expected[0]
    assert pieces(" ".join(text for text in PROMPTS if text.isprintable())) == expected


def test_the_three_lines_of_a_hostile_prompt_are_three_lines_with_the_prompt_as_one_string() -> None:
    for text in PROMPTS:
        lines = code_of(text, Settings(text, steps=2))
        assert lines.isascii() or lines.replace("\n", "").isprintable()
        calls = [node for node in ast.walk(ast.parse(lines)) if isinstance(node, ast.Call)]
        given = [str(node.value) for call in calls for node in call.args if isinstance(node, ast.Constant)]
        assert lines.count("\n") == 3 and sorted(given) == sorted([text, text, "picture.png"]), repr(text)
