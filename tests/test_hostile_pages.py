"""Strangers' texts in Label Studio and Prefect are text to the readers there: no markup, path, formula or template."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts import candidates, grounded
from culturebench.errors import plain
from culturebench.label_studio import region as work
from culturebench.probing.drift import Change, RegionDrift
from culturebench.regions.model import load_whole_region
from culturebench.release.markdown import code
from culturebench.revisions import Revision
from flows import shown
from flows.drift_report import Compared, report
from flows.results import metrics_table, stages_table
from hostile_corpus import TEXTS
from read_back import markdown_words, structure, tokens
from studio_tables import write_captioned, write_project

HARMLESS = "a bowl of rice"
TEXT = ["paragraph_open", "inline", "text", "paragraph_close"]
WORDED = [text for text in TEXTS if text.strip()]  # what region files and sources cannot leave empty


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a picture for each hostile text, which its source, its page and its captions say."""
    found = tmp_path_factory.mktemp("hostile") / "project"
    names = write_project(found, len(WORDED))
    path = found / "data/candidates/jp.parquet"
    strange = dict(zip(names, WORDED, strict=True))
    said = ("file_name", "author", "page_url")
    rows: list[Any] = [
        {**row, **dict.fromkeys(said, strange[row["picture_id"]])} for row in candidates.TABLE.load(path)
    ]
    candidates.TABLE.save(path, rows)
    write_captioned(found, strange, [])
    path = found / grounded.PATH.format(region="jp")
    rows = [
        {**row, "detail": strange[row["picture_id"]], "provider": strange[row["picture_id"]], "noun_draft": draft}
        for row in grounded.TABLE.load(path)
        for draft in [{**(row["cultural"] or {}), "text": strange[row["picture_id"]]}]
    ]
    grounded.TABLE.save(path, rows)
    return found


# ── Label Studio ────────────────────────────────────────────────────────────────────────────────────────────────


def write_region(root: Path, text: str) -> None:
    """The region's own words are `text`."""
    path = root / "annotations/regions/jp.yaml"
    region = yaml.safe_load(path.read_text(encoding="utf-8"))
    region |= {"country": text, "judge_label": text, "notes": text}
    for part in region["subdivisions"].values():
        part |= {"name": text, "local_name": text}
    path.write_text(yaml.safe_dump(region), encoding="utf-8")


def shape(xml: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(element.tag, tuple(element.attrib)) for element in ElementTree.fromstring(xml).iter()]


def test_a_hostile_region_gives_the_form_of_a_harmless_one_and_instructions_without_markup(root: Path) -> None:
    write_region(root, HARMLESS)
    expected = shape(work._spec(root, "jp", "pictures", work._settings(root)).interface)
    for text in WORDED:
        write_region(root, text)
        part = next(iter(load_whole_region(root, "jp").subdivisions.values()))
        spec = work._spec(root, "jp", "pictures", work._settings(root))
        assert shape(spec.interface) == expected, repr(text)
        form = ElementTree.fromstring(spec.interface)
        choice = form.findall(".//Choices[@name='subdivision']/Choice")[0]
        shown = f"{part.name} · {part.local_name}"
        assert "$" not in choice.attrib["value"], "Label Studio fills in what follows a dollar sign"
        assert choice.attrib["value"] == re.sub("[\ufffe\uffff]", "", plain(shown).replace("$", "＄"))
        assert structure(spec.instruction_html) == [], text  # the server shows it as HTML
        assert "\x1b" not in spec.instruction_html and "\x00" not in spec.instruction_html


@pytest.mark.parametrize("kind", ["pictures", "captions"])
def test_tasks_hold_hostile_texts_where_text_is_shown_and_nowhere_else(kind: work.Kind, root: Path) -> None:
    fields = {
        "pictures": {"country", "origin"},
        "captions": {"language_name", "why", "cultural", "cultural_en", "draft"},
    }
    write_region(root, "\x1b[2J$image")
    tasks = work.wanted_tasks(root, "jp", kind)
    assert len(tasks) == len(WORDED)
    shown = "".join(value for task in tasks for value in task.data.values())
    for task in tasks:
        assert task.data.keys() == fields[kind] and re.fullmatch("[0-9a-f]{64}", task.picture_id)
        assert json.loads(json.dumps(dict(task.data))) == task.data
        assert all(plain(value) == value for name, value in task.data.items() if name != "cultural")
    for text in WORDED:
        assert plain(text) in shown
    controls = ElementTree.parse(root / f"annotations/labeling/{kind}.xml").iter()
    by_value = {element.get("value", ""): element.tag for element in controls}
    for name in fields[kind]:
        (tag,) = {tag for value, tag in by_value.items() if re.search(rf"\${name}\b", value)}
        assert tag in ("Text", "Header")  # which write no HTML and load nothing


# ── Prefect ─────────────────────────────────────────────────────────────────────────────────────────────────────


def drift(text: str) -> str:
    compared = Compared(
        {text: (1, 2)}, {text: [RegionDrift(text, 0.2, 0.4)]}, [Change(text, text, 0.5, 0.4, -0.1, 0.1)]
    )
    return report(Revision(text, "folder", text, text), compared)


def test_a_report_on_another_revision_has_the_structure_of_a_harmless_one() -> None:
    expected = tokens(drift(HARMLESS))
    for text in WORDED:
        assert tokens(drift(text)) == expected, repr(text)
        assert "".join(plain(text).split()) in "".join(markdown_words(drift(text)).split())


def test_every_cell_of_a_table_in_prefect_is_text_and_every_key_one_that_it_takes() -> None:
    # Its page gives each text of a table to its reader of Markdown.
    for text in WORDED:
        tables = stages_table([text], {}) + metrics_table({text: {text: {"culture_vqa": 0.5}}}, {})
        for row in shown.cells(tables):
            for value in row.values():
                if isinstance(value, str):
                    assert [kind for kind, _ in tokens(value)] == TEXT, repr(text)
        (row,) = shown.cells([{"stage": text, "seconds": 1.5}])
        assert markdown_words(row["stage"]).split() == plain(text).split() and row["seconds"] == 1.5
        assert re.fullmatch("pictures(-[a-z0-9]+)*", shown.key("pictures", text)), repr(text)


def test_what_stands_in_a_code_span_reads_as_it_is() -> None:
    for text in WORDED:
        found: Any = tokens(f"a {code(text)} b")
        assert [kind for kind, _ in found] == [*TEXT[:3], "code_inline", *TEXT[2:]], text
        assert markdown_words(f"a {code(text)} b").split() == ["a", *plain(text).split(), "b"]
