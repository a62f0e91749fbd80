"""The stage that compares selectors, with tiny random weights."""

from itertools import product
from pathlib import Path

import pytest

from culturebench.artifacts import comparison, selected
from culturebench.errors import CultureBenchError
from culturebench.params.compare_selectors import CompareSelectors
from stages import compare_selectors
from tiny_project import REGIONS, project_params

NAMES = ("wfs", "lape", "mad", "random")
PATH = comparison.PATH.format(model="atlas")


def test_every_selector_is_judged_on_the_same_pictures(project: Path) -> None:
    compare_selectors.STAGE.execute(model="atlas")
    found = comparison.load(project / PATH)
    assert {count: set(rows) for count, rows in found["selectors"].items()} == {"elbow": {*NAMES}, "1": {*NAMES}}
    assert found["regions"] == list(REGIONS) and found["prompts"] == 4 and found["seeds"] == [0, 1]
    assert [(c["k"], c["selector"], c["source"], c["target"]) for c in found["matrix"]] == list(
        product(("elbow", "1"), NAMES, REGIONS, REGIONS)
    )
    counts = {count: [rows[name]["neurons"] for name in NAMES] for count, rows in found["selectors"].items()}
    assert counts == {"elbow": [2.5, 1, 0, 2.5], "1": [1, 0.5, 0, 1]}
    assert all(row["own"]["n_images"] == 8 for rows in found["selectors"].values() for row in rows.values())


def test_a_selector_that_picks_nothing_for_a_region_takes_nothing_there(project: Path) -> None:
    compare_selectors.STAGE.execute(model="atlas")
    matrix = comparison.load(project / PATH)["matrix"]
    cells = {(cell["source"], cell["target"]): cell["drop"] for cell in matrix if cell["selector"] == "lape"}
    assert cells["nl", "jp"] == cells["nl", "nl"] == 0


def test_a_selector_that_picked_nothing_at_all_is_shown_to_take_nothing(project: Path) -> None:
    compare_selectors.STAGE.execute(model="atlas")
    mad = comparison.load(project / PATH)["selectors"]["elbow"]["mad"]
    assert mad["neurons"] == mad["own"]["value"] == mad["cross"]["value"] == 0


def test_a_second_run_makes_no_picture_again_and_gives_the_same_bytes(project: Path) -> None:
    compare_selectors.STAGE.execute(model="atlas")
    first = (project / PATH).read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in (project.parent / "store").rglob("*") if path.is_file()}
    assert kept
    compare_selectors.STAGE.execute(model="atlas")
    assert (project / PATH).read_bytes() == first
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_regions_are_drawn_evenly_over_their_order() -> None:
    numbers = CompareSelectors.model_validate({**project_params({})["compare_selectors"], "max_regions": 3})
    assert numbers.drawn(list("abcdefg")) == ["a", "c", "e"]
    assert numbers.drawn(["a", "b"]) == ["a", "b"]


def test_a_number_of_neurons_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="a number stands there twice"):
        CompareSelectors.model_validate({**project_params({})["compare_selectors"], "k": [8, None, 8]})


def test_without_picked_neurons_the_stage_names_the_one_to_run(project: Path) -> None:
    (project / selected.BOUND.format(model="atlas") / "atlas.parquet").unlink()
    with pytest.raises(CultureBenchError, match="select_neurons"):
        compare_selectors.STAGE.execute(model="atlas")
