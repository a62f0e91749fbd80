"""A region that is taken out of params.yaml takes its data with it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from culturebench.regions.prune import FOLDERS, prune
from import_graph import ROOT


def project(root: Path, params: str) -> list[Path]:
    paths = [root / folder / f"{code}.parquet" for folder in FOLDERS for code in ("jp", "vn")]
    paths += [root / "data/train/vn.parquet", root / "data/candidates/notes.txt"]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"table")
    (root / "params.yaml").write_text(params)
    return paths


def test_only_files_of_regions_that_are_not_listed_go(tmp_path: Path) -> None:
    paths = project(tmp_path, "regions: [jp, nl]\n")
    (said,) = prune(tmp_path)
    assert "vn" in said
    gone = {path for path in paths if not path.exists()}
    assert gone == {tmp_path / folder / "vn.parquet" for folder in FOLDERS}
    assert prune(tmp_path) == []


@pytest.mark.parametrize("params", ["regions: []\n", "regions: jp\n", "{", "other: 1\n"])
def test_nothing_goes_when_nobody_can_tell_which_regions_are_listed(tmp_path: Path, params: str) -> None:
    paths = project(tmp_path, params)
    assert prune(tmp_path) == []
    assert all(path.exists() for path in paths)


def test_every_folder_that_regions_fill_one_by_one_is_looked_at() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    by_region = [stage for stage in stages.values() if "region" in stage.get("matrix", {})]
    outs = {out for stage in by_region for out in stage["outs"] if isinstance(out, str) and out.startswith("data/")}
    assert {out.rpartition("/${item.region}.")[0] for out in outs} == set(FOLDERS)
    assert {out.rpartition(".")[2] for out in outs} == {"parquet", "json"}
