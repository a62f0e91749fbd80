"""A scorer is a module, its records, and its field in params; what lacks one of them is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from culturebench.checks import problems
from culturebench.evaluation.scores import score_measured
from culturebench.measures import records
from culturebench.measures.opening import measure_all, module_of
from culturebench.measures.records import MEASURES, SCORERS, MeasureError, Scorer
from culturebench.measures.scoring import measured, of_each
from culturebench.measures.task import Task, Work
from culturebench.params.measure import Measure, Weights
from culturebench.planning.measures import measures_plan
from culturebench.png import to_png
from culturebench.report import words
from culturebench.text_to_image.runtime import dtype_of
from import_graph import ROOT, closure, python_files

PICTURES = [
    {"prompt_id": prompt, "region": "jp", "seed": seed, "image": to_png(Image.new("RGB", (4, 4), (shade, 0, 0)))}
    for prompt, seed, shade in [("a", 0, 10), ("a", 1, 30), ("b", 0, 20)]
]
FOLDER = "culturebench/measures/scorers"


def task(numbers: Any) -> Task:
    return Task(numbers, Path(), {}, PICTURES, {})


def test_params_records_and_modules_are_of_the_same_scorers() -> None:
    modules = {Path(file).stem for file in python_files(FOLDER)} - {"__init__"}
    assert set(Measure.scorers()) == set(SCORERS) == modules
    for key, scorer in SCORERS.items():
        assert callable(module_of(key).run)
        assert scorer.embedded or callable(module_of(key).work)


def test_what_a_scorer_computes_is_code_of_the_stage_that_runs_it_alone() -> None:
    modules = {f"{FOLDER}/{key}.py" for key in SCORERS}
    assert modules <= closure("stages/measure.py")
    for stage in ("evaluate", "report", "bind_measures"):
        assert not modules & closure(f"stages/{stage}.py"), stage


def test_without_weights_every_published_measure_says_which_it_needs_and_where_to_name_them() -> None:
    rows = measure_all(task(Measure(alignment=None, caption="noun")))
    counts = {name: [row["seed"] for row in rows if row["measure"] == name] for name in MEASURES}
    for name, record in MEASURES.items():
        published = record.scorer is not None and not record.scorer.embedded
        assert counts[name] == ([] if not published else [-1, -1] if record.whole_prompts else [0, 1, 0])
    assert {row["reason"] for row in rows if row["measure"] == "lpips_diversity"} == {
        "not run: needs the weights of LPIPS, and measure.lpips in params.yaml names none"
    }


def test_a_scorer_in_params_without_a_record_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lpips_reference", "lpips_diversity"):
        monkeypatch.delitem(MEASURES, name)
    with pytest.raises(MeasureError, match=r"measure\.lpips gives no measure that .*records\.py has a record of"):
        measure_all(task(Measure(alignment=None, caption="noun")))
    (found,) = problems(ROOT)
    assert "measure.lpips gives no measure" in found


def test_a_scorer_of_the_records_without_a_field_in_params_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCORERS, "redness", Scorer("redness", "none"))
    assert problems(ROOT) == [
        "culturebench/params/measure.py has no field redness, a scorer of culturebench/measures/records.py"
    ]


@pytest.fixture
def redness(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a scorer is added by: its record, its field in params, its module."""

    def run(chosen: Weights, task: Task) -> Any:
        def red(images: list[Image.Image], _rows: Any) -> list[float]:
            return [float(image.getpixel((0, 0))[0]) for image in images]  # pyright: ignore

        return of_each("redness", task.pictures, red)

    class WithRedness(Measure):
        redness: Weights | None = None

    module: Any = ModuleType("redness")
    module.run, module.work = run, lambda chosen, forecast: Work(lambda: None, forecast.pictures)
    scorer = Scorer("redness", "a red eye")
    monkeypatch.setitem(sys.modules, "culturebench.measures.scorers.redness", module)
    monkeypatch.setitem(SCORERS, "redness", scorer)
    record = records.Measure("redness", "Redness", "neither", "number", "column", scorer)
    monkeypatch.setitem(MEASURES, "redness", record)
    monkeypatch.setattr("culturebench.planning.measures.PUBLISHED", ("redness",))
    return SimpleNamespace(params=WithRedness, module=module)


def test_an_added_measure_is_measured_scored_planned_and_has_its_column(redness: Any) -> None:
    numbers = redness.params(alignment=None, caption="noun", redness={"pin": "eye"})
    assert ("redness.pin", "eye") in list(numbers.pins())
    rows = [row for row in measure_all(task(numbers)) if row["measure"] == "redness"]
    assert [row["value"] for row in rows] == [10, 30, 20]
    (scored,) = score_measured(rows)
    assert scored.scores == {("a", 0): 10, ("a", 1): 30, ("b", 0): 20}
    assert "redness" in records.at("column") and words.measure("redness") == "Redness"
    assert measures_plan(numbers, {}, ROOT, 2).known["redness"].flops == 0
    without = redness.params(alignment=None, caption="noun")
    assert {row["reason"] for row in measure_all(task(without)) if row["measure"] == "redness"} == {
        "not run: needs the weights of a red eye, and measure.redness in params.yaml names none"
    }


def test_a_value_that_no_record_of_its_scorer_knows_is_refused(redness: Any) -> None:
    redness.module.run = lambda chosen, task: [measured("blueness", PICTURES[0], 0, 1.0)]
    numbers = redness.params(alignment=None, caption="noun", redness={"pin": "eye"})
    with pytest.raises(MeasureError, match=r"measure\.redness gave blueness; .* has of it: redness"):
        measure_all(task(numbers))


def test_a_scorer_without_its_module_is_refused_with_the_file_to_add(
    redness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "culturebench.measures.scorers.redness")
    numbers = redness.params(alignment=None, caption="noun", redness={"pin": "eye"})
    with pytest.raises(MeasureError, match=r"has no module culturebench/measures/scorers/redness\.py; add it"):
        measure_all(task(numbers))


def test_a_forecast_asks_only_scorers_that_params_name(redness: Any) -> None:
    redness.module.work = lambda chosen, forecast: None
    assert measures_plan(redness.params(alignment=None, caption="noun"), {}, ROOT, 1).missing == ("redness",)
    named = redness.params(alignment=None, caption="noun", redness={"pin": "eye"})
    assert measures_plan(named, {}, ROOT, 1).unknown == ("redness",)


def test_measures_run_in_float32_on_every_device_unless_params_say_otherwise() -> None:
    """bfloat16, which a GPU's `auto` would be, gave other numbers than a CPU."""
    how = Measure(alignment=None, caption="cultural").runtime
    assert dtype_of(how.model_copy(update={"device": "cuda"})) is torch.float32
    assert dtype_of(how.model_copy(update={"device": "cuda", "dtype": "bfloat16"})) is torch.bfloat16
