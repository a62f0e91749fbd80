"""The stage that compares selectors, with tiny random weights."""

from pathlib import Path

import pytest

from culturebench.artifacts import comparison, selected
from culturebench.errors import CultureBenchError
from culturebench.params.compare_selectors import CompareSelectors
from stages import compare_selectors
from tiny_project import REGIONS, project_params

PATH = comparison.PATH.format(model="atlas")


def test_every_selector_is_judged_on_the_same_pictures(project: Path) -> None:
    compare_selectors.STAGE.execute(model="atlas")
    found = comparison.load(project / PATH)
    assert set(found["selectors"]) == {"wfs", "lape", "mad", "random"}
    assert found["regions"] == list(REGIONS) and found["prompts"] == 4 and found["seeds"] == [0, 1]
    assert [(c["selector"], c["source"], c["target"]) for c in found["matrix"]] == [
        (name, source, target) for name in ("wfs", "lape", "mad", "random") for source in REGIONS for target in REGIONS
    ]
    counts = {name: row["neurons"] for name, row in found["selectors"].items()}
    assert counts == {
        "wfs": 2.5,
        "lape": 1,
        "mad": 0,
        "random": 2.5,
    }
    assert all(row["own"]["n_images"] == 8 for row in found["selectors"].values())


def test_a_selector_that_picks_nothing_for_a_region_takes_nothing_there(project: Path) -> None:
    compare_selectors.STAGE.execute(model="atlas")
    matrix = comparison.load(project / PATH)["matrix"]
    cells = {(cell["source"], cell["target"]): cell["drop"] for cell in matrix if cell["selector"] == "lape"}
    assert cells["nl", "jp"] == cells["nl", "nl"] == 0


def test_a_selector_that_picked_nothing_at_all_is_shown_to_take_nothing(project: Path) -> None:
    compare_selectors.STAGE.execute(model="atlas")
    mad = comparison.load(project / PATH)["selectors"]["mad"]
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


def test_without_picked_neurons_the_stage_names_the_one_to_run(project: Path) -> None:
    (project / selected.BOUND.format(model="atlas") / "atlas.parquet").unlink()
    with pytest.raises(CultureBenchError, match="select_neurons"):
        compare_selectors.STAGE.execute(model="atlas")
