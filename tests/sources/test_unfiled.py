"""Files that no region would ever collect are rows with a reason; a region that settings name wrongly is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from culturebench.artifacts import unfiled as artifact
from culturebench.checks import problems
from culturebench.params.collect import FolderSource, UrlsSource
from culturebench.sources.unfiled import describe, unfiled
from data_project import ROOT, write_data_project
from stages import unfiled as stage

REGIONS = ["jp", "nl"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "pictures"
    for name in ("jp/a.png", "nl/deep/b.png", "JP/c.png", "other/d.png", "top.png"):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_bytes(b"x")
    return inner


def reasons(folder: Path, **settings: object) -> dict[str, str]:
    source = FolderSource.model_validate({"kind": "folder", "path": str(folder)} | settings)
    return {one.file_name: one.reason for one in unfiled(source, REGIONS)}


def test_every_file_outside_of_the_regions_subfolders_has_a_reason(folder: Path) -> None:
    assert reasons(folder) == {"JP/c.png": "unknown_region", "other/d.png": "unknown_region", "top.png": "no_region"}
    assert reasons(folder, regions=["jp"])["nl/deep/b.png"] == "region_not_asked"
    assert reasons(folder, region="nl") == {}
    found = unfiled(FolderSource(kind="folder", path=str(folder)), REGIONS)
    assert "jp is meant by small letters" in next(one.detail for one in found if one.region == "JP")


def test_a_manifest_s_other_regions_and_the_files_that_it_does_not_name_have_one_too(folder: Path) -> None:
    (folder / "manifest.csv").write_text("file,region\njp/a.png,jp\ntop.png,atlantis\ngone.png,nl\n")
    assert reasons(folder) == {
        "top.png": "unknown_region",
        **dict.fromkeys(("nl/deep/b.png", "JP/c.png", "other/d.png"), "not_in_manifest"),
    }


def test_so_have_the_lines_of_a_list_of_urls(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("file,region\nhttps://x.example/1.jpg,jp\nhttps://x.example/2.jpg,Japan\n")
    (one,) = unfiled(UrlsSource(kind="urls", path=str(path)), REGIONS)
    assert (one.file_name, one.region, one.reason) == ("https://x.example/2.jpg", "Japan", "unknown_region")


def test_the_stage_writes_them_and_its_last_line_says_what_to_change(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    atlas = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["collect"]["sources"][0]
    write_data_project(tmp_path / "w", REGIONS, [atlas, {"kind": "folder", "path": str(folder)}])
    monkeypatch.chdir(tmp_path / "w")
    stage.STAGE.execute()
    rows = artifact.TABLE.load(Path(artifact.PATH))
    assert [(row["source"], row["file_name"]) for row in rows] == [(1, "JP/c.png"), (1, "other/d.png"), (1, "top.png")]
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == describe(Path(artifact.PATH), rows)
    assert said.startswith(
        "3 files are of no region, such as JP/c.png (unknown_region: JP is none of `regions`: jp, nl"
    )


@pytest.mark.parametrize("source", [{"kind": "folder"}, {"kind": "urls"}])
def test_a_region_that_a_source_names_wrongly_is_an_error_with_the_known_ones(
    source: dict[str, str], tmp_path: Path
) -> None:
    for name in ("params.yaml", "annotations"):
        (tmp_path / name).symlink_to(ROOT / name)
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    document["collect"]["web"]["contact"] = "you@example.org"
    document["collect"]["sources"] = [{**source, "path": "x", "region": "JP"}]
    (tmp_path / "params.yaml").unlink()
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (found,) = problems(tmp_path)
    assert found.startswith("params.yaml: collect.sources.0.region: 'JP' is no region; there are: arab, ")
