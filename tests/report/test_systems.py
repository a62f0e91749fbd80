"""All systems of a run in one table."""

from __future__ import annotations

from typing import Any

import pytest

from culturebench.artifacts import evaluation
from culturebench.report.results import Results
from culturebench.report.systems import systems
from culturebench.report.tables import settings_by_region

MODELS = {"pea": "PEA-Diffusion", "own": ""}


def row(model: str, condition: str, measure: str, value: float | None, **changes: Any) -> Any:
    judge = "pooled" if measure == "culture_vqa" else ""
    empty = {**dict.fromkeys(evaluation.COLUMNS, None), "prompts": "test", "against": "", "region": "all", "seeds": [0]}
    told = {"model": model, "condition": condition, "measure": measure, "judge": judge, "value": value}
    return {**empty, **told, "n_prompts": 2, "n_images": 2, "reason": "" if value is not None else "not run", **changes}


ROWS = [
    row("pea", "noun", "culture_vqa", 0.2), row("pea", "amplified", "culture_vqa", 0.3),
    row("own", "noun", "culture_vqa", 0.4), row("own", "masked", "culture_vqa", 0.9),
    row("pea", "noun", "lpips_reference", 0.7), row("own", "noun", "lpips_reference", 0.6),
    row("pea", "noun", "image_reward", None), row("own", "noun", "image_reward", None),
    row("own", "noun", "culture_vqa", 0.8, region="jp"), row("own", "noun", "culture_vqa", 0.9, judge="cnn"),
    row("pea", "amplified", "culture_vqa", 0.1, against="noun"),
]  # fmt: skip


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    found = systems(ROWS, MODELS, ["jp", "nl", "ua"], 0.95)
    assert found is not None
    return found


def test_a_run_of_one_system_has_no_such_table() -> None:
    assert systems(ROWS, {"own": ""}, ["jp"], 0.95) is None


def test_systems_of_which_nothing_was_measured_have_no_such_table() -> None:
    assert systems([row(model, "noun", "culture_vqa", None) for model in MODELS], MODELS, ["jp"], 0.95) is None


def test_every_system_stands_as_it_comes_and_with_what_brings_culture_back(table: dict[str, Any]) -> None:
    lines = [(line["model"], line["condition"]) for line in table["rows"]]
    assert lines == [("pea", "noun"), ("pea", "amplified"), ("own", "noun")]
    values = [[cell["row"] and cell["row"]["value"] for cell in line["cells"]] for line in table["rows"]]
    assert values == [[0.2, 0.7], [0.3, None], [0.4, 0.6]]


def test_the_best_of_a_measure_is_marked_whichever_way_is_better(table: dict[str, Any]) -> None:
    best = [[bool(cell["best"]) for cell in line["cells"]] for line in table["rows"]]
    assert best == [[False, False], [False, False], [True, True]]  # the lower LPIPS is the better one


def test_the_papers_values_have_columns_of_their_own_and_chance_is_a_guess(table: dict[str, Any]) -> None:
    assert table["measures"] == [("culture_vqa", True), ("lpips_reference", True)]
    assert [line["cells"][0]["paper"] for line in table["rows"]] == [0.2165, 0.3391, None]
    assert table["chance"] == 0.25


def test_masking_stands_region_by_region_in_the_papers_three_settings() -> None:
    values = {"noun": 0.1, "cultural": 0.9, "masked": 0.3, "random_masked": 0.8}
    rows = [
        row("own", name, "culture_vqa", value, region=code) for name, value in values.items() for code in ("jp", "all")
    ]
    rows += [
        row("own", name, "culture_vqa", value, region="jp", against="cultural")
        for name, value in {"masked": -0.6, "random_masked": -0.1}.items()
    ]
    (table,) = settings_by_region(Results(rows, "own"), ["jp", "nl"])
    assert table["conditions"] == ["cultural", "masked", "random_masked"]
    (jp, cells), (nl, empty) = table["rows"]
    assert (jp, nl) == ("jp", "nl")
    assert [cell["row"]["value"] for cell in cells] == [0.9, 0.3, 0.8]
    assert [cell["delta"] and cell["delta"]["value"] for cell in cells] == [None, -0.6, -0.1]
    assert [cell["row"] for cell in empty] == [None] * 3
    assert [cell["row"]["value"] for cell in table["all"]] == [0.9, 0.3, 0.8]
    assert settings_by_region(Results([row("own", "noun", "culture_vqa", 0.1)], "own"), ["jp"]) == []
