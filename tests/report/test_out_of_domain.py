"""Other prompts than the test split's own in the evaluation's rows and in the report."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

from culturebench.artifacts import answers, evaluation, overlaps, pictures
from culturebench.conditions import CONDITIONS
from culturebench.measures.records import MEASURES
from culturebench.params.prompts import Prompts
from culturebench.report import published, tables
from culturebench.report.results import Results

#: A caption from outside has no cultural wording, and an English one only where it is English.
FROM_THE_NOUN = {"noun", "amplified", "random_amplified", "enhanced", "shuffled_enhanced", "other_layer_enhanced"}
#: Test prompts with an unseen modifier have no noun caption.
FROM_THE_MODIFIER = {one.name for one in CONDITIONS if one.caption == "cultural"}


@pytest.fixture(scope="module")
def run(make_run: Any) -> Any:
    """Two regions; both other sets have the test prompts' own pictures and answers, without measurements."""
    run = make_run(["jp", "es"], prompts=3)
    prompts = Prompts.model_validate(
        {
            "test": {"file": "data/test"},
            "outside": {"file": "outside.csv"},
            "unseen_modifiers": {"file": "data/test", "modifiers": "unseen"},
        }
    )
    run.params = replace(run.params, prompts=prompts)
    for folder in (pictures.DIRECTORY, *(f"{answers.DIRECTORY}/{judge}" for judge in run.params.judges.root)):
        for condition in (run.root / folder / "atlas").iterdir():
            for name in ("outside", "unseen_modifiers"):
                shutil.copy(condition / "test.parquet", condition / f"{name}.parquet")
    for name, made in (("outside", FROM_THE_NOUN), ("unseen_modifiers", FROM_THE_MODIFIER)):
        for condition in (run.root / pictures.DIRECTORY / "atlas").iterdir():
            path = condition / f"{name}.parquet"
            rows = pictures.TABLE.load(path) if condition.name in made else []
            shared = {"language": "es"} if name == "unseen_modifiers" else {}
            pictures.TABLE.save(path, [{**row, **shared} for row in rows])
    dropped: list[overlaps.Dropped] = [{"region": "es", "prompt": "un <b>cuenco</b>"}]
    told: overlaps.Overlaps = {"given": 7, "dropped": dropped, "shared": [], "languages": {}}
    overlaps.save(run.root / overlaps.PATH.format(prompts="outside"), told)
    run.evaluate()
    return run


@pytest.fixture(scope="module")
def rows(run: Any) -> Any:
    return evaluation.load(run.root / evaluation.PATH)


def results(rows: Any, prompts: str) -> Results:
    return Results(rows, "atlas", prompts=prompts)


def test_its_rows_carry_their_name_and_are_scored_as_the_test_prompts_are(rows: Any) -> None:
    test, outside = results(rows, "test"), results(rows, "outside")
    assert set(outside.conditions) == FROM_THE_NOUN
    for condition in outside.conditions:
        found, same = outside.get(condition, "culture_vqa"), test.get(condition, "culture_vqa")
        assert found and same and {**found, "prompts": "test"} == same
    for against in ("noun", "random_amplified"):
        assert outside.get("amplified", "culture_vqa", against=against)
        assert outside.verdict("amplified", "culture_vqa", against)
    measured = [name for name, record in MEASURES.items() if record.scorer]
    found = [outside.get(condition, name) for condition in outside.conditions for name in measured]
    assert not any(found)  # there is no reference picture to measure by


def test_the_report_shows_a_table_of_them_and_none_without(run: Any, small_run: Any) -> None:
    heading = "Captions from outside of the benchmark: outside"
    page = run.report().read_text(encoding="utf-8")
    assert heading in page and "6 captions, 12 pictures per condition" in page
    assert "Of 7 given 1 stand in the benchmark and were dropped: un &lt;b&gt;cuenco&lt;/b&gt;." in page
    assert page.count('aria-label="Pictures by condition and region"') == 2, "the test prompts' and theirs"
    assert "What the paper has" not in page, "the atlas is no model of the paper"
    assert "Captions from outside of the benchmark: " not in small_run.report().read_text(encoding="utf-8")


def test_the_papers_values_stand_beside_those_of_the_papers_models_alone(rows: Any) -> None:
    def paper(model: str) -> dict[str, float | None]:
        table = tables.comparison(results(rows, "outside"), f"{model}{published.OUT_OF_DOMAIN}", tables.MAIN)
        return {row["condition"]: row["paper"] for row in table["rows"]}

    assert paper("PEA-Diffusion") == {"noun": 0.15, "amplified": 0.22, "enhanced": 0.35}
    assert paper("AltDiffusion") == {"noun": 0.15, "amplified": 0.20, "enhanced": 0.32}
    assert paper("FLUX.1-dev") == {"noun": 0.17, "amplified": None, "enhanced": None}
    assert set(paper("").values()) == {None}


def test_every_row_of_the_papers_table_is_there() -> None:
    rows = {(model, condition): value for model, condition, value in published.out_of_domain()}
    plain = {"StableDiffusion XL": 0.10, "FLUX.1-dev": 0.17, "Show-o2": 0.15, "StableDiffusion 3.5": 0.17}
    assert rows == {
        **{(model, "noun"): value for model, value in plain.items()},
        **{("PEA-Diffusion", name): value for name, value in (("noun", 0.15), ("amplified", 0.22), ("enhanced", 0.35))},
        **{("AltDiffusion", name): value for name, value in (("noun", 0.15), ("amplified", 0.20), ("enhanced", 0.32))},
    }


def test_the_summary_tells_their_conditions_from_those_of_the_test_prompts(run: Any) -> None:
    summary = evaluation.load_json(run.root / evaluation.SUMMARY_PATH, "evaluate")["atlas"]
    assert summary["outside_noun"]["culture_vqa"] == summary["noun"]["culture_vqa"]


def test_prompts_with_unseen_modifiers_are_scored_under_the_cultural_captions_conditions_and_their_controls(
    rows: Any, run: Any
) -> None:
    test, unseen = results(rows, "test"), results(rows, "unseen_modifiers")
    assert set(unseen.conditions) == FROM_THE_MODIFIER & set(test.conditions) > {"cultural", "masked"}
    assert unseen.get("masked", "culture_vqa", against="cultural")
    found, same = unseen.get("cultural", "culture_vqa"), test.get("cultural", "culture_vqa")
    assert found and same and {**found, "prompts": "test"} == same
    assert unseen.get("cultural", "language_vqa"), "its two regions are told to share a language"
    page = run.report().read_text(encoding="utf-8")
    assert "And with other words? unseen_modifiers" in page and "6 test prompts, 12 pictures per condition" in page
    assert "outside of the benchmark: unseen_modifiers" not in page
