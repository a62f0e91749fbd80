"""A thousand hostile files are taken or refused, and what comes of their texts is text: no markup, path or formula."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from rich.console import Console

from benchmarks.hostile import memory, run
from culturebench.cli._shared import cell
from culturebench.errors import plain
from culturebench.png import to_png
from culturebench.release import card
from culturebench.release.contents import Part
from culturebench.release.counts import RegionCounts, gaps
from culturebench.release.make import FORMULA, write_csv
from culturebench.release.markdown import words
from culturebench.release.shards import write_shards
from culturebench.report import reliability
from culturebench.report.contents import data_values, params_values
from culturebench.report.page import render
from hostile_corpus import TEXTS
from read_back import markdown_words, structure, tokens

HARMLESS = "a bowl of rice"
COUNT = 1000


def test_a_thousand_hostile_files_are_taken_or_refused_within_bounds() -> None:
    before = memory()
    found = run(COUNT, seed=0)
    assert [fault for tally in found.values() for fault in tally.faults] == []
    assert sum(len(tally.seconds) for tally in found.values()) == COUNT
    for kind, tally in found.items():
        assert tally.outcomes["taken"] > 0, f"no {kind} reaches what lies behind the checks"
        assert tally.outcomes.total() > tally.outcomes["taken"], f"every {kind} is taken"
        assert max(tally.seconds) < 20, kind
    assert memory() - before < 300


# ── a release ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_words_in_markdown_read_as_they_are(text: str) -> None:
    assert markdown_words(f"a {words(text)} b").split() == ["a", *plain(text).split(), "b"]
    assert {kind for kind, _ in tokens(f"a {words(text)} b")} <= {"paragraph_open", "inline", "text", "paragraph_close"}
    assert not re.search(r"(?<!\\):\\?//|www\.", words(text))  # GitHub makes links of bare addresses


def region(text: str) -> RegionCounts:
    return RegionCounts("jp", text, "ja")


def part(text: str) -> Part:
    spans = ("noun_start", "noun_end", "modifier_start", "modifier_end")
    caption = {"text": text, "language": "ja", **dict.fromkeys(spans, -1)}
    said = ("licence", "licence_text", "author", "page_url", "file_url", "source", "captions_by", "group")
    row: Any = {**dict.fromkeys(said, text), "picture_id": "ab" * 32, "sha256": "cd" * 32, "region": "jp"}
    row |= {"language": "ja", "subdivision": "", "image": to_png(Image.new("RGB", (4, 4)))}
    row |= {"agreement": 1.0, "decisions": 2, "provisional": False}
    row |= dict.fromkeys(("cultural", "noun", "cultural_en", "noun_en"), caption)
    return Part("jp", "train", [row], 0)


def cards(text: str, folder: Path) -> dict[str, str]:
    """Both texts of a release in which every stranger's word is `text`."""
    counts, one = region(text), part(text)
    counts.add(one)
    shards = write_shards(folder, one, text, 1_000_000)
    values: dict[str, Any] = {
        "name": "culturebench", "version": "1.0.0", "front": card.front_matter("culturebench", [counts], shards),
        "regions": [counts], "splits": card.SPLITS, "by_split": {"train": 1, "test": 0, "detect": 0}, "pictures": 1,
        "licences": {text: 1}, "sources": {text: 1}, "captions_by": {text: 1}, "meanings": {}, "removed": 0,
        "stages": {}, "gaps": list(gaps([counts], {"jp": {}})), "countries": {"jp": text},
        "examples": [("jp", {"path": "examples/jp.jpg", "captions": [text] * 4, "credit": text})],
    }  # fmt: skip
    return {name: card.render(f"{name}.j2", values) for name in ("README.md", "DATASHEET.md")}


def test_a_release_of_hostile_texts_has_the_structure_of_a_harmless_one(tmp_path: Path) -> None:
    expected = {name: tokens(body(text)) for name, text in cards(HARMLESS, tmp_path / "harmless").items()}
    front = front_matter(cards(HARMLESS, tmp_path / "harmless")["README.md"])
    for number, text in enumerate(TEXTS):
        folder = tmp_path / str(number)
        found = cards(text if text.strip() else "x", folder)
        for name, markdown in found.items():
            assert tokens(body(markdown)) == expected[name], (name, text)
        assert front_matter(found["README.md"]) == front, text
        assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == [
            "data/jp/train-00000-of-00001.parquet"
        ]


def body(markdown: str) -> str:
    return markdown.split("\n---\n", 1)[1] if markdown.startswith("---\n") else markdown


def front_matter(markdown: str) -> Any:
    front = yaml.safe_load(markdown.split("\n---\n", 1)[0].removeprefix("---\n"))
    return {key: value for key, value in front.items() if key != "license"}


def test_no_cell_of_a_table_is_a_formula_or_breaks_its_row(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ("picture_id", "author"), [("ab", text) for text in TEXTS])
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert len(rows) == len(TEXTS) + 1 and {len(row) for row in rows} == {2}
    for (_, cell_), text in zip(rows[1:], TEXTS, strict=True):
        assert not cell_.lstrip().startswith(FORMULA)
        assert cell_.removeprefix("'") == plain(text).removeprefix("'")


# ── the report, the terminal ─────────────────────────────────────────────────────────────────────────────


def page(text: str) -> str:
    """The parts of the report that hold strangers' words."""
    found = {"screen": {"kept": 1, "dropped": {text: 2}}}
    agreement: Any = {"pictures": 1, "alpha": None, "annotators": {text: {"decisions": 1, "gold": 0, "gold_right": 0}}}
    right = {"value": 0.5, "low": 0.4, "high": 0.6, "pictures": 9, "answers": 9}
    judged: Any = {
        "choices": [4], "judge": right, "unparseable": 0, "people": right, "reason": "", "difference": right,
        "agreement": right, "annotators": {text: {"answers": 9, "right": 4}}, "other_options": 1,
    }  # fmt: skip
    return render({
        "models": [], "systems": None, "alone": [], "regions": ["jp"], "level": 0.95,
        "reliability": reliability.values({text: {"pictures": judged, "regions": judged}}), "study": None, "audits": [],
        "data": data_values({"regions": {"jp": found}, "all": found}, ["jp"], {"jp": agreement}),
        "pins": [{"name": text, "source": text, "files": 1, "megabytes": 1.0, "hash": "ab"}], "versions": [("x", text)],
        "params": params_values({"collect": {"author": text}}),
    })  # fmt: skip


def test_a_report_of_hostile_texts_has_the_tags_of_a_harmless_one() -> None:
    expected = structure(page(HARMLESS))
    for text in TEXTS:
        assert structure(page(text)) == expected, text


def test_the_terminal_gets_no_escape_and_no_markup() -> None:
    for text in TEXTS:
        out = io.StringIO()
        console = Console(file=out, force_terminal=True, width=100_000, color_system="truecolor", highlight=False)
        console.print(cell(text))
        assert "".join(out.getvalue().split()) == "".join(plain(text).split()), repr(text)
