"""What the split stage promises, on tables as the stages before it write them."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts import candidates, grounded, splits
from culturebench.atlas.annotators import main as decide
from culturebench.release.freeze import freeze
from culturebench.splitting.assign import BRIDGES
from data_project import run_data_half, write_data_project
from stages import split

REGIONS = ["jp", "nl"]
PLANTED = dict.fromkeys(("blurred", "mislabelled", "plain", "badly_licensed", "truncated", "too_small"), 0.0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished data half of two regions; tests change copies of it."""
    folder = tmp_path_factory.mktemp("split") / "project"
    source = {"kind": "atlas", "pictures": 45, "size": 256, "planted": PLANTED | {"near_duplicate": 0.2}}
    write_data_project(folder, REGIONS, [source], split={"train": 3, "test": 2, "detect": 2})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(REGIONS)
    return folder


@pytest.fixture
def root(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in the current folder."""
    shutil.copytree(finished, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def run(regions: list[str]) -> None:
    decide(["--params", "params.yaml", "--folder", "annotations/decisions"])
    run_data_half(regions)


def sides(regions: list[str]) -> dict[str, str]:
    return {
        row["picture_id"]: side
        for side in splits.SPLITS
        for region in regions
        for row in splits.TABLE.load(Path(splits.DIRECTORIES[side]) / f"{region}.parquet", ["picture_id"])
    }


def freeze_all(placed: dict[str, str], regions: list[str]) -> None:
    own = {region: {row["picture_id"] for row in captions(region)} for region in regions}
    for region, pictures in own.items():
        freeze(Path(f"annotations/splits/{region}.csv"), {p: side for p, side in placed.items() if p in pictures})


def captions(region: str) -> list[dict[str, Any]]:
    return grounded.TABLE.load(Path(grounded.PATH.format(region=region)))


def test_a_new_region_and_many_new_pictures_move_no_frozen_picture(root: Path) -> None:
    before = sides(REGIONS)
    freeze_all(before, REGIONS)
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["regions"].append("tr")
    params["collect"]["sources"][0]["pictures"] = 90
    params["split"]["salt"] = "another"
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run([*REGIONS, "tr"])
    after = sides([*REGIONS, "tr"])
    stayed = before.keys() & after.keys()
    assert len(after) > 2.5 * len(before)
    # One that is gone made room for a better licensed or larger copy of itself.
    assert len(stayed) > 0.9 * len(before)
    assert all(after[picture] == before[picture] for picture in stayed)


def test_a_picture_between_two_sides_is_dropped_and_counted_with_its_reason(root: Path) -> None:
    rows = captions("jp")
    kept = [row for row in rows if row["status"] == "kept"][:5]
    pictures = [row["picture_id"] for row in kept]
    for row in kept[1:]:
        row["noun"] = {**row["noun"], "text": kept[0]["noun"]["text"].upper()}
    grounded.TABLE.save(Path(grounded.PATH.format(region="jp")), rows)
    freeze(Path("annotations/splits/jp.csv"), {pictures[0]: "train", pictures[1]: "test"})
    split.STAGE.execute()
    placed = sides(REGIONS)
    assert (placed[pictures[0]], placed[pictures[1]]) == ("train", "test")
    dropped = splits.UNSPLIT_TABLE.load(Path(splits.UNSPLIT))
    assert {row["picture_id"] for row in dropped} >= set(pictures[2:])
    assert not {row["picture_id"] for row in dropped} & placed.keys()
    assert {(row["status"], row["reason"]) for row in dropped} == {("dropped", BRIDGES)}
    counts = json.loads(Path(splits.COUNTS).read_text())["all"]["split"]
    assert counts["dropped"] == {BRIDGES: len(dropped)} and counts["kept"] == len(placed)


def test_neither_a_page_nor_a_near_duplicate_nor_a_noun_caption_is_on_two_sides(root: Path) -> None:
    placed = sides(REGIONS)
    keys: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for region in REGIONS:
        pages = {
            row["picture_id"]: row["page_url"]
            for row in candidates.TABLE.load(Path(candidates.PATH.format(region=region)), ["picture_id", "page_url"])
        }
        for row in captions(region):
            if (picture := row["picture_id"]) in placed:
                keys["page", pages[picture]].add(placed[picture])
                keys["noun", region, row["noun"]["text"].casefold()].add(placed[picture])
    assert keys and all(len(found) == 1 for found in keys.values())
