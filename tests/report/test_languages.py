"""Regions of one language in the report: each kind of answer, and the nouns that they share."""

from __future__ import annotations

from typing import Any

import pytest

from culturebench.artifacts import answers, evaluation, pictures
from culturebench.report.languages import by_language
from culturebench.report.results import Results

#: Portugal is told to be asked in Spanish.
LANGUAGES = {"es": "es", "jp": "ja", "pt": "es"}
SHARED = [{"language": "es", "prompt": "un <b>cuenco</b>", "regions": ["es", "pt"]}]


@pytest.fixture(scope="module")
def run(make_run: Any) -> Any:
    run = make_run(["es", "jp", "pt"], prompts=4)
    for path in (run.root / pictures.DIRECTORY / "atlas").glob("*/test.parquet"):
        rows = pictures.TABLE.load(path)
        pictures.TABLE.save(path, [{**row, "language": LANGUAGES[row["region"]]} for row in rows])
    for judge in run.params.judges.root:  # of Spain's pictures a fourth is taken for Portugal's
        path = run.root / f"{answers.DIRECTORY}/{judge}/atlas/noun/test.parquet"
        said = answers.TABLE.load(path)
        spain = [row for row in said if row["region"] == "es"]
        for row in spain[::4]:
            row["answer"] = "pt"
        answers.TABLE.save(path, said)
    run.write_told(SHARED, LANGUAGES)
    run.evaluate()
    return run


def test_of_each_region_the_kinds_of_answers_stand_below_each_other_and_add_up(run: Any) -> None:
    results = Results(evaluation.load(run.root / evaluation.PATH), "atlas")
    [table] = by_language(
        results, ["es", "jp", "pt"], {"given": 8, "dropped": [], "shared": SHARED, "languages": LANGUAGES}
    )
    assert (table["language"], table["regions"]) == ("Spanish", ["es", "pt"])
    for _, lines in table["rows"]:
        cells = {label: row[table["conditions"].index("noun")]["value"] for label, row in lines}
        summed = cells["Right region"] + cells["Right language, other region"]
        assert summed == pytest.approx(cells["Right language"], abs=1e-5)
    planted = results.get("noun", "language_elsewhere", region="es")
    assert planted and planted["value"] == pytest.approx(0.25)


def test_the_page_says_how_many_nouns_are_shared_and_what_follows(run: Any, small_run: Any) -> None:
    page = run.report().read_text(encoding="utf-8")
    assert "Regions of one language: Spanish" in page
    assert "1 of their nouns is a prompt of several of them" in page and "can be right in one region at most" in page
    assert "un &lt;b&gt;cuenco&lt;/b&gt;: Spain, Portugal" in page
    assert page.count("of regions that share a language") == 2, "the rows over all of them"
    assert "Regions of one language" not in small_run.report().read_text(encoding="utf-8")
