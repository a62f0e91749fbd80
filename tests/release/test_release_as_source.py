"""Who starts from a release has its pictures, verdicts, captions, groups and sides, and obeys its takedowns."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from culturebench.artifacts import annotated, candidates, splits
from culturebench.errors import CultureBenchError
from culturebench.probing.pairs import pairs_of
from data_project import run_data_half, write_data_project
from stages import collect

REGIONS = ["jp", "nl", "tr"]


def rows_of(root: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """(split, picture id) -> its row, without what only a drawn picture has."""
    return {
        (side, row["picture_id"]): {name: value for name, value in row.items() if name != "scene"}
        for side, folder in splits.DIRECTORIES.items()
        for region in REGIONS
        for row in splits.TABLE.load(root / folder / f"{region}.parquet")
    }


@pytest.fixture
def clone(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes a project that knows a release and nothing else, and runs its data half."""

    def make(name: str, folder: Path = released, removed: str = "") -> Path:
        root = tmp_path / name
        source = {"kind": "release", "path": str(folder)}
        write_data_project(root, REGIONS, [source], split={"train": 1, "test": 1, "detect": 1, "salt": name})
        for kind in ("decisions", "gold", "captions", "splits"):
            shutil.rmtree(root / "annotations" / kind)
        (root / "annotations/removed.jsonl").write_text(removed)
        monkeypatch.chdir(root)
        run_data_half(REGIONS)
        return root

    return make


def test_the_clone_of_a_release_has_the_same_rows_on_the_same_sides_and_so_the_same_pairs(
    finished: Path, clone: Callable[..., Path]
) -> None:
    original, copy = rows_of(finished), rows_of(clone("clone"))
    assert len(original) > 60 and copy.keys() == original.keys()
    assert copy == original
    pairs, dropped = pairs_of([row for (side, _), row in sorted(copy.items()) if side == "detect"])
    assert pairs and not dropped and all(pair.neutral for pair in pairs)


def test_verdicts_are_the_release_s_where_nobody_here_has_decided(finished: Path, clone: Callable[..., Path]) -> None:
    root = clone("clone")
    for region in REGIONS:
        path = annotated.PATH.format(region=region)
        before = {row["picture_id"]: row for row in annotated.TABLE.load(finished / path) if row["status"] == "kept"}
        assert {row["picture_id"]: row for row in annotated.TABLE.load(root / path)} == before


def test_takedowns_of_the_release_and_of_the_clone_apply(
    released: Path, finished: Path, clone: Callable[..., Path], tmp_path: Path
) -> None:
    theirs, ours, *_ = sorted(name for _, name in rows_of(finished))
    folder = tmp_path / "newer"
    shutil.copytree(released, folder)
    with (folder / "REMOVED.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow([theirs, "asked by its author"])
    root = clone("clone", folder, json.dumps({"sha256": ours, "reason": "asked here"}) + "\n")
    assert {name for _, name in rows_of(root)} == {name for _, name in rows_of(finished)} - {theirs, ours}
    every = [row for code in REGIONS for row in candidates.TABLE.load(Path(candidates.PATH.format(region=code)))]
    gone = [row for row in every if row["picture_id"] in (theirs, ours)]
    assert [(row["status"], row["error"], row["image"]) for row in gone] == [("failed", "removed", None)] * 2


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data_project(tmp_path / "clone", REGIONS, [{"kind": "release", "path": str(tmp_path)}])
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(CultureBenchError, match=r"is no release: there is no croissant\.json"):
        collect.STAGE.execute(region="jp")


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("picture_id", "../up", "'../up' is no picture id"),
        ("noun", {"noun_end": 10_000}, "does not lie within"),
    ],
)
def test_a_row_that_no_release_has_is_refused(
    column: str, value: Any, says: str, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "release"
    shutil.copytree(released, folder)
    file = sorted((folder / "data/jp").iterdir())[0]
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[0][column] = {**rows[0][column], **value} if isinstance(value, dict) else value
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    described = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    for one in described["distribution"]:
        if one["name"] == f"data/jp/{file.name}":
            one["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "croissant.json").write_text(json.dumps(described), encoding="utf-8")
    write_data_project(tmp_path / "clone", REGIONS, [{"kind": "release", "path": str(folder)}])
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(CultureBenchError, match=says):
        collect.STAGE.execute(region="jp")


@pytest.mark.parametrize("harm", ["changed", "missing", "undescribed"])
def test_a_release_whose_files_are_not_what_it_states_is_refused(
    harm: str, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "release"
    shutil.copytree(released, folder)
    file = sorted((folder / "data/jp").iterdir())[0]
    if harm == "changed":
        file.write_bytes(sorted((folder / "data/nl").iterdir())[0].read_bytes())
    elif harm == "missing":
        file.unlink()
    else:
        (folder / "croissant.json").write_text("[]")
    write_data_project(tmp_path / "clone", REGIONS, [{"kind": "release", "path": str(folder)}])
    monkeypatch.chdir(tmp_path / "clone")
    says = {"changed": "is not the file", "missing": "cannot be read", "undescribed": "does not describe a release"}
    with pytest.raises(CultureBenchError, match=says[harm]):
        collect.STAGE.execute(region="jp")
