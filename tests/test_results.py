"""Results as pandas tables: loaded, shaped and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from culturebench.artifacts import evaluation, groups, splits
from culturebench.artifacts._json import save_json
from culturebench.artifacts._table import ArtifactError
from culturebench.results import ResultsError, compare, load_counts, load_groups, load_results, pivot
from documents import blocks

ROW: dict[str, Any] = {
    **dict.fromkeys(evaluation.COLUMNS, None),
    **{"model": "atlas", "encoder": "atlas", "prompts": "test", "condition": "noun", "against": "", "judge": "pooled"},
    **{"region": "all", "measure": "culture_vqa", "value": 0.1, "n_prompts": 60, "n_images": 240, "seeds": [0, 1]},
    "reason": "",
}


def written(folder: Path, *changes: dict[str, Any]) -> pd.DataFrame:
    """The results of a project whose evaluation has one row for each change to `ROW`."""
    (folder / evaluation.PATH).parent.mkdir(parents=True, exist_ok=True)
    evaluation.save(folder / evaluation.PATH, [{**ROW, **change} for change in changes])  # type: ignore[misc]
    return load_results(folder)


def test_a_number_that_was_not_measured_is_nan_and_its_reason_stays(tmp_path: Path) -> None:
    found = written(tmp_path, {}, {"measure": "lpips", "judge": "", "value": None, "reason": "not run"})
    assert list(found.columns) == list(evaluation.COLUMNS)
    assert found["value"].tolist()[:1] == [0.1]
    assert found["value"].isna().tolist() == [False, True]
    assert found["reason"].tolist() == ["", "not run"]
    assert found["seeds"].tolist() == [(0, 1), (0, 1)]
    assert found["n_prompts"].dtype == "int64"


def test_a_project_without_results_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="dvc repro evaluate"):
        load_results(tmp_path)


def test_values_by_subdivision_and_category_are_a_table_of_their_own(tmp_path: Path) -> None:
    row: Any = {"model": "atlas", "condition": "noun", "by": "category", "region": "all", "group": "crafts",
                "value": 0.5, "low": None, "high": None, "n_prompts": 1, "n_images": 4}  # fmt: skip
    groups.save(tmp_path / groups.PATH, [row | {"group": "food"}, row])
    found = load_groups(tmp_path)
    assert found["group"].tolist() == ["crafts", "food"] and found["low"].isna().all()
    assert found["n_images"].dtype == "int64" and list(found.columns) == list(groups.COLUMNS)
    with pytest.raises(ArtifactError, match="dvc repro evaluate"):
        load_groups(tmp_path / "elsewhere")


def test_the_data_sets_pictures_are_counted_by_subdivision_and_category(tmp_path: Path) -> None:
    counts = {"category": {"crafts": {"pictures": 3, "test": 1, "train": 2}}, "subdivision": {"": {"pictures": 0}}}
    save_json(tmp_path / splits.COUNTS, {"regions": {}, "all": {}, "groups": {"jp": counts}})
    found = load_counts(tmp_path)
    assert found[found["by"] == "category"][
        ["region", "group", "pictures", "detect", "train", "test"]
    ].values.tolist() == [["jp", "crafts", 3, 0, 2, 1]]
    with pytest.raises(ArtifactError, match="dvc repro split"):
        load_counts(tmp_path / "elsewhere")


def test_a_project_in_which_nothing_was_generated_has_no_rows(tmp_path: Path) -> None:
    assert written(tmp_path).empty


def test_systems_by_measures_is_the_papers_first_table(tmp_path: Path) -> None:
    results = written(
        tmp_path,
        {},
        {"condition": "cultural", "value": 0.9},
        {"condition": "cultural", "judge": "", "measure": "lpips", "value": 0.6},
        {"model": "sdxl", "value": 0.2},
        {
            "judge": "atlas_cnn",
            "value": 0.15,
        },  # from here on not in it
        {"prompts": "ood", "value": 0.3},
        {"condition": "cultural", "against": "noun", "value": 0.8},
        {"region": "jp", "value": 0.4},
    )
    table = pivot(results, ["model", "condition"], "measure")
    assert list(table.columns) == ["culture_vqa", "lpips"]
    assert list(table.index) == [("atlas", "noun"), ("atlas", "cultural"), ("sdxl", "noun")]
    assert table.loc[("atlas", "cultural")].tolist() == [0.9, 0.6]
    assert table["lpips"].isna().tolist() == [True, False, True]


def test_regions_by_conditions_stand_in_the_order_of_their_records_with_all_regions_last(tmp_path: Path) -> None:
    values = {
        ("masked", "jp"): 0.3,
        ("noun", "jp"): 0.1,
        ("noun", "all"): 0.2,
        ("masked", "all"): 0.4,
        ("noun", "de"): 0.5,
    }
    results = written(tmp_path, *({"condition": c, "region": r, "value": v} for (c, r), v in values.items()))
    table = pivot(results, "region", "condition")
    assert list(table.index) == ["de", "jp", "all"]
    assert list(table.columns) == ["noun", "masked"]
    assert all(table.loc[region, condition] == value for (condition, region), value in values.items())


def test_an_interval_stands_beside_its_value(tmp_path: Path) -> None:
    results = written(tmp_path, {"low": 0.05, "high": 0.15}, {"condition": "cultural", "low": 0.8, "high": 0.95})
    table = pivot(results, "region", "condition", values=["value", "low", "high"])
    assert table["noun"].loc["all"].to_dict() == {"value": 0.1, "low": 0.05, "high": 0.15}
    assert [condition for condition, _ in table.columns] == ["noun"] * 3 + ["cultural"] * 3


def test_a_table_in_which_two_rows_would_share_a_cell_is_refused(tmp_path: Path) -> None:
    results = written(tmp_path, {}, {"model": "sdxl"})
    with pytest.raises(ResultsError, match=r"differ in 'model' as well: 'atlas', 'sdxl'"):
        pivot(results, "region", "condition")


def test_a_value_that_no_row_has_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    results = written(tmp_path, {}, {"region": "jp"})
    with pytest.raises(ResultsError, match=r"no row has region 'xx'; there are: 'all', 'jp'"):
        pivot(results, "condition", "measure", region="xx")
    with pytest.raises(ResultsError, match="'regions' is no axis of results"):
        pivot(results, "regions", "measure")


def test_two_runs_stand_side_by_side_and_a_row_of_one_alone_stays(tmp_path: Path) -> None:
    first = written(tmp_path, {}, {"condition": "cultural", "value": 0.9})
    second = written(tmp_path, {"value": 0.3}, {"condition": "amplified", "value": 0.5})
    table = compare(first, second, ("before", "after"))
    by_condition = table.droplevel([name for name in table.index.names if name != "condition"])
    assert list(by_condition.index) == ["noun", "cultural", "amplified"]
    assert by_condition.loc["noun", ("before", "value")] == 0.1
    assert by_condition.loc["noun", ("after", "value")] == 0.3
    assert by_condition["difference"].round(9).tolist()[0] == 0.2
    assert by_condition["difference"].isna().tolist() == [False, True, True]


def test_two_models_of_one_run_are_compared_row_by_row(tmp_path: Path) -> None:
    results = written(tmp_path, {}, {"model": "sdxl", "value": 0.4})
    table = compare(*(results[results["model"] == name] for name in ("atlas", "sdxl")), names=("atlas", "sdxl"))
    assert table["difference"].round(9).tolist() == [0.3]
    with pytest.raises(ResultsError, match="atlas: two rows are of one"):
        compare(pd.concat([results[:1], results[:1]]), results[1:], ("atlas", "sdxl"))


def test_the_documents_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    amplified = {"condition": "amplified", "value": 0.5}
    gained = (
        {**amplified, "against": "noun", "value": 0.4},
        {**amplified, "against": "random_amplified", "value": 0.2},
    )
    written(tmp_path / "before", {})
    written(tmp_path / "now", {}, amplified, *gained)
    monkeypatch.chdir(tmp_path / "now")
    (block,) = blocks("python", document="docs/models.md")
    names: dict[str, Any] = {}
    exec(block.text, names)  # noqa: S102
    assert names["systems"].index.tolist() == [("atlas", "noun"), ("atlas", "amplified")]
    assert names["regions"].columns.tolist()[0] == ("noun", "value")
    assert names["gained"].loc["amplified"].to_dict() == {"noun": 0.4, "random_amplified": 0.2}
    assert len(names["before"]) == 4
