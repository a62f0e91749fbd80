"""A release is what other people's tools read, holds what may leave, and freezes what it assigned."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from culturebench.artifacts import annotated, candidates, splits
from culturebench.errors import CultureBenchError
from culturebench.ethics import SENTENCES
from culturebench.params.release import Release
from culturebench.release.contents import parts
from culturebench.release.licences import licence_url, on_card
from culturebench.release.make import release, write_csv
from culturebench.release.markdown import words
from culturebench.release.shards import write_shards
from culturebench.sources.licences import normalise
from culturebench.splitting.frozen import read_frozen
from stages import split

REGIONS = ["jp", "nl", "tr"]
SETTINGS = Release(name="culturebench", url="", shard_megabytes=1)
LOAD = """
import hashlib, json, sys
from datasets import Image, load_dataset
def rows(*config):
    found = {}
    for split, table in load_dataset(sys.argv[1], *config, cache_dir=sys.argv[2]).items():
        assert isinstance(table.features["image"], Image)
        assert table[0]["image"].size[0] > 0
        raw = table.cast_column("image", Image(decode=False))
        for row in raw:
            content = row.pop("image")["bytes"]
            found[row["picture_id"]] = row | {"split": split, "content": hashlib.sha256(content).hexdigest()}
    return found
print(json.dumps({"default": rows(), **{code: rows(code) for code in sys.argv[3:]}}))
"""


def rows_of(root: Path) -> dict[str, dict[str, Any]]:
    """Picture id -> the row of every picture with a side, and its split."""
    return {
        row["picture_id"]: row | {"split": side}
        for side in splits.SPLITS
        for region in REGIONS
        for row in splits.TABLE.load(root / splits.DIRECTORIES[side] / f"{region}.parquet")
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def loaded(released: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """What `datasets.load_dataset` finds in the folder, in a process of its own that may not reach any hub."""
    cache = tmp_path_factory.mktemp("cache")
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(cache), "NO_PROXY": "*"}
    result = subprocess.run(
        [sys.executable, "-c", LOAD, str(released), str(cache / "datasets"), *REGIONS],
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_the_datasets_library_reads_every_picture_with_its_split_and_captions(
    finished: Path, loaded: dict[str, dict[str, dict[str, Any]]]
) -> None:
    expected = rows_of(finished)
    found = loaded["default"]
    assert found.keys() == expected.keys()
    for picture, row in found.items():
        wanted = expected[picture]
        assert row["content"] == hashlib.sha256(wanted["image"]).hexdigest() == row["sha256"]
        for name in ("split", "region", "language", "subdivision", "cultural", "noun", "cultural_en", "noun_en"):
            assert row[name] == wanted[name], name


def test_each_region_is_a_configuration_of_its_own(loaded: dict[str, dict[str, dict[str, Any]]]) -> None:
    for code in REGIONS:
        assert loaded[code] == {p: row for p, row in loaded["default"].items() if row["region"] == code}


def test_every_picture_comes_with_its_origin_and_the_experts_agreement(finished: Path, loaded: Any) -> None:
    for region in REGIONS:
        origin = {row["sha256"]: row for row in candidates.TABLE.load(finished / candidates.PATH.format(region=region))}
        told = annotated.TABLE.load(finished / annotated.PATH.format(region=region))
        verdicts = {row["picture_id"]: row for row in told}
        for picture, row in loaded[region].items():
            for name in ("author", "licence", "page_url", "file_url", "source"):
                assert row[name] == origin[row["sha256"]][name]
            assert row["agreement"] == verdicts[picture]["agreement"]
            assert row["decisions"] == verdicts[picture]["decisions"] == 3


def test_croissant_metadata_are_valid_and_lead_to_the_same_pictures(finished: Path, released: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=str(released / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    found = {row["pictures/picture_id"].decode(): row for row in dataset.records("pictures")}
    expected = rows_of(finished)
    assert found.keys() == expected.keys()
    for picture, row in found.items():
        assert row["pictures/split"].decode() == expected[picture]["split"]
        assert row["pictures/noun"].decode() == expected[picture]["noun"]["text"]
        with Image.open(io.BytesIO(expected[picture]["image"])) as image:
            assert row["pictures/image"].size == image.size


def test_croissant_names_every_file_with_its_sha256(released: Path) -> None:
    document = json.loads((released / "croissant.json").read_text())
    named = {item["contentUrl"]: item["sha256"] for item in document["distribution"] if "sha256" in item}
    files = {name: data for name, data in contents(released).items() if name.endswith(".parquet")}
    assert named == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_a_side_that_is_larger_than_a_file_may_be_goes_to_several(finished: Path, tmp_path: Path) -> None:
    side = max(parts(finished, REGIONS), key=lambda part: len(part.rows))
    largest = max(len(row["image"]) for row in side.rows)
    shards = write_shards(tmp_path, side, "Japan", 3 * largest)
    assert len(shards) > 2 and shards[0].path == f"data/{side.region}/{side.split}-00000-of-{len(shards):05d}.parquet"
    rows = [row for shard in shards for row in pq.read_table(tmp_path / shard.path).to_pylist()]
    assert [row["picture_id"] for row in rows] == [row["picture_id"] for row in side.rows]
    assert [shard.rows for shard in shards] == [len(pq.read_table(tmp_path / shard.path)) for shard in shards]
    one_by_one = write_shards(tmp_path / "small", side, "Japan", 1)
    assert [shard.rows for shard in one_by_one] == [1] * len(side.rows)


def test_equal_data_give_equal_bytes_whatever_was_there_before(project: Path, released: Path) -> None:
    first = contents(release(project, project / "again", "1.0.0", SETTINGS, REGIONS).folder)
    assert first == contents(released)
    (project / "again/left-over.txt").write_text("from an earlier release")
    assert contents(release(project, project / "again", "1.0.0", SETTINGS, REGIONS).folder) == first
    assert not list(project.glob(".again*"))


def test_a_release_freezes_its_splits_and_splitting_again_moves_nothing(project: Path) -> None:
    before = contents(project / "data")
    done = release(project, project / "release", "1.0.0", SETTINGS, REGIONS)
    expected = {picture: row["split"] for picture, row in rows_of(project).items()}
    assert read_frozen(project / "annotations/splits", REGIONS, splits.SPLITS) == expected
    assert done.frozen == done.pictures == len(expected)
    split.STAGE.execute()
    assert contents(project / "data") == before
    (project / "params.yaml").write_text((project / "params.yaml").read_text().replace("salt: cult", "salt: other"))
    split.STAGE.execute()
    assert contents(project / "data") == before
    assert release(project, project / "release", "1.1.0", SETTINGS, REGIONS).frozen == 0


def test_provisional_pictures_are_never_released_nor_frozen(project: Path) -> None:
    path = project / splits.TRAIN / "jp.parquet"
    rows = splits.TABLE.load(path)
    for row in rows[::2]:
        row["provisional"] = True
    splits.TABLE.save(path, rows)
    kept_back = {row["picture_id"] for row in rows[::2]}
    done = release(project, project / "release", "1.0.0", SETTINGS, REGIONS)
    assert done.provisional == len(kept_back)
    assert not kept_back & read_frozen(project / "annotations/splits", REGIONS, splits.SPLITS).keys()
    listed = (project / "release/ATTRIBUTION.csv").read_text()
    assert not [picture for picture in kept_back if picture in listed]
    assert (
        f"{len(kept_back)} pictures without a verdict were left out" in (project / "release/DATASHEET.md").read_text()
    )


def test_a_picture_that_was_taken_down_stops_a_release_and_nothing_is_frozen(project: Path) -> None:
    taken = next(iter(rows_of(project)))
    (project / "annotations/removed.jsonl").write_text(json.dumps({"sha256": taken, "reason": "asked"}) + "\n")
    frozen = contents(project / "annotations/splits")
    with pytest.raises(CultureBenchError, match="dvc repro split"):
        release(project, project / "release", "1.0.0", SETTINGS, REGIONS)
    assert contents(project / "annotations/splits") == frozen
    assert not (project / "release").exists() and not list(project.glob(".release*"))


def test_takedowns_are_named_so_that_copies_of_earlier_releases_can_follow(project: Path) -> None:
    (project / "annotations/removed.jsonl").write_text(json.dumps({"sha256": "a" * 64, "reason": "asked"}) + "\n")
    folder = release(project, project / "release", "1.0.0", SETTINGS, REGIONS).folder
    assert list(csv.DictReader((folder / "REMOVED.csv").open())) == [{"sha256": "a" * 64, "reason": "asked"}]
    assert "1 picture was taken down" in (folder / "README.md").read_text()


def test_a_folder_that_is_no_release_is_left_alone(project: Path) -> None:
    (project / "thesis").mkdir()
    (project / "thesis/chapter.txt").write_text("years of work")
    with pytest.raises(CultureBenchError, match="no release"):
        release(project, project / "thesis", "1.0.0", SETTINGS, REGIONS)
    assert contents(project / "thesis") == {"chapter.txt": b"years of work"}


def test_a_version_of_other_than_three_numbers_is_refused(project: Path) -> None:
    with pytest.raises(CultureBenchError, match=r"1\.0\.0"):
        release(project, project / "release", "v1", SETTINGS, REGIONS)


def test_the_attribution_table_names_licence_and_author_of_every_picture(finished: Path, released: Path) -> None:
    with (released / "ATTRIBUTION.csv").open(newline="") as file:
        rows = {row["picture_id"]: row for row in csv.DictReader(file)}
    expected = rows_of(finished)
    assert rows.keys() == expected.keys()
    for picture, row in rows.items():
        assert row["licence"] == expected[picture]["licence"] != "unknown"
        assert (
            row["licence_url"].startswith("https://") and row["author"] and row["split"] == expected[picture]["split"]
        )


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "＝1"])
def test_no_cell_of_a_table_is_a_formula(tmp_path: Path, text: str) -> None:
    write_csv(tmp_path / "a.csv", ("author", "title"), [(text, "a = b"), ("-", "a\r=1")])
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["author", "title"], [f"'{text}", "a = b"], ["'-", "a\\x0d=1"]]


def test_a_licences_address_is_that_of_the_licence() -> None:
    for licence in ("CC-BY-4.0", "CC-BY-SA-3.0-DE", "CC0-1.0", "CC-PDM-1.0", "CC-BY-NC-ND-2.5"):
        assert normalise(licence_url(licence)) == licence
    assert licence_url("MIT") == "https://spdx.org/licenses/MIT.html" and on_card("MIT") == "mit"
    assert licence_url("LicenseRef-all-rights-reserved") == licence_url("CC-BY") == ""
    assert (
        licence_url("unknown") == "" and on_card("CC-BY-SA-4.0") == "cc-by-sa-4.0" and on_card("CC-PDM-1.0") == "other"
    )


def test_the_card_shows_a_picture_of_each_region_with_its_four_captions(finished: Path, released: Path) -> None:
    card = (released / "README.md").read_text(encoding="utf-8")
    for region in REGIONS:
        rows: Any = splits.TABLE.load(finished / splits.DIRECTORIES["train"] / f"{region}.parquet")
        first = min((row for row in rows if row["cultural_en"] and row["noun_en"]), key=lambda row: row["picture_id"])
        (line,) = [line for line in card.splitlines() if f"(examples/{region}.jpg)" in line]
        cells = line.removeprefix("| ").removesuffix(" |").split(" | ")
        assert cells[2:] == [words(first[role]["text"]) for role in ("noun", "cultural", "noun_en", "cultural_en")]
        assert words(first["licence"]) in cells[1]
        with Image.open(released / f"examples/{region}.jpg") as shown, Image.open(io.BytesIO(first["image"])) as own:
            assert max(shown.size) <= 256
            pair = [np.asarray(one.convert("RGB").resize((16, 16)), float) for one in (shown, own)]
            assert np.abs(pair[0] - pair[1]).mean() < 6


def test_card_and_datasheet_count_what_is_in_the_files(finished: Path, released: Path, loaded: Any) -> None:
    rows = rows_of(finished).values()
    card, sheet = ((released / name).read_text() for name in ("README.md", "DATASHEET.md"))
    assert all(sentence in card for sentence in SENTENCES)
    front = yaml.safe_load(card.split("---\n")[1])
    assert [config["config_name"] for config in front["configs"]] == ["default", *REGIONS]
    assert set(front["language"]) == {"ja", "nl", "tr", "en"}
    for region in REGIONS:
        own = [row for row in rows if row["region"] == region]
        sides = [sum(row["split"] == side for row in own) for side in ("train", "test", "detect")]
        assert "| " + " | ".join(map(str, [*sides, len(own)])) + " |" in card
        agreement = [row["agreement"] for row in loaded[region].values()]
        assert f"(`{region}`) | {len(own)} | {3 * len(own)} | {sum(agreement) / len(agreement):.3f} |" in sheet
    for name in ("licence", "licence_text"):
        assert all(row[name] for row in loaded["default"].values())
    assert "drawn by the project's own program" in sheet
    assert f"{len(list(rows))} pictures of 3 regions" in sheet
    assert "duplicate" in sheet and "licence" in sheet


def test_no_path_and_no_time_of_this_machine_is_in_a_release(finished: Path, released: Path) -> None:
    for name, data in contents(released).items():
        assert str(finished.parent).encode() not in data, name
        assert b"/tmp/" not in data, name


def test_nothing_to_release_is_said(project: Path) -> None:
    for side in splits.SPLITS:
        for region in REGIONS:
            splits.TABLE.save(project / splits.DIRECTORIES[side] / f"{region}.parquet", [])
    with pytest.raises(CultureBenchError, match="no picture to release"):
        release(project, project / "release", "1.0.0", SETTINGS, REGIONS)
    shutil.rmtree(project / "data/train")
    with pytest.raises(CultureBenchError, match="dvc repro split"):
        release(project, project / "release", "1.0.0", SETTINGS, REGIONS)
