"""Each stage of the data half ends with what it kept; where that is nothing, it and `status` say what to change."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from culturebench.artifacts import captioned, splits
from culturebench.cli._emptied import emptied
from data_project import run_data_half, write_data_project
from stages import annotate, caption, collect, ground, screen, split

REGIONS = ["nl", "tr"]
NOUNS = ("een rode kom", "de vaas", "Een huis. Het staat aan zee.", "")


def png(seed: int) -> bytes:
    dice = np.random.default_rng(seed)
    small = Image.fromarray(dice.integers(0, 256, (7, 7, 3), dtype=np.uint8))
    cloud = np.asarray(small.resize((200, 180), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = np.clip(cloud + dice.integers(-30, 30, cloud.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four pictures of one region with noun captions that nobody marked, and none of the other."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    lines = ["file,region,noun"]
    for number, noun in enumerate(NOUNS):
        (folder / f"{number}.png").write_bytes(png(number))
        lines.append(f"{number}.png,nl,{noun}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    root = tmp_path / "project"
    source = {"kind": "folder", "path": str(folder), "licence": "CC0-1.0"}
    write_data_project(root, REGIONS, [source], annotate={"undecided": "provisional"})
    monkeypatch.chdir(root)
    return root


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def change(root: Path, old: str, new: str) -> None:
    params = root / "params.yaml"
    assert old in params.read_text()
    params.write_text(params.read_text().replace(old, new))


def test_noun_captions_that_nobody_marked_give_pairs_with_a_mark(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_data_half(REGIONS)
    capsys.readouterr()
    caption.STAGE.execute(region="nl")
    assert last_line(capsys) == (
        "nl: caption kept 2 of 4 pictures (no_cultural_and_noun_caption 1, not_by_template 1); "
        "2 are pairs for the layer probe, in 2 of them nobody marked the noun and the whole caption counts"
    )
    ground.STAGE.execute()
    assert "2 are pairs" in last_line(capsys)
    split.STAGE.execute()
    assert last_line(capsys) == "nl, tr: split kept 2 of 2 pictures"
    rows = captioned.TABLE.load(project / captioned.PATH.format(region="nl"))
    assert sorted(row["whole_noun"] for row in rows) == [False, False, True, True]
    placed = [row for side in splits.SPLITS for row in splits.TABLE.load(Path(splits.DIRECTORIES[side]) / "nl.parquet")]
    nouns = {row["noun"]["text"][row["noun"]["noun_start"] : row["noun"]["noun_end"]] for row in placed}
    assert nouns == {"een rode kom", "de vaas"}
    assert all(row["cultural"]["modifier_start"] > row["cultural"]["noun_start"] >= 0 for row in placed)
    (empty,) = emptied(project, REGIONS)
    assert empty.startswith("tr: collect kept 0 of 0 pictures: put files into a subfolder of that code")


def test_a_licence_that_is_not_named_is_what_screen_says_to_name(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(project, "licence: CC0-1.0", "licence: ''")
    run_data_half(REGIONS)
    capsys.readouterr()
    collect.STAGE.execute(region="nl")
    assert last_line(capsys) == "nl: collect kept 4 of 4 pictures"
    screen.STAGE.execute(region="nl")
    said = last_line(capsys)
    assert said.startswith("nl: screen kept 0 of 4 pictures (licence 4): name licences in the manifest's column")
    assert emptied(project, ["nl"]) == [said]
    split.STAGE.execute()
    assert last_line(capsys).endswith("nothing came to it; `culturebench status` names the stage that kept nothing")


def test_pictures_that_nobody_decided_on_are_what_annotate_sends_to_people(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(project, "undecided: provisional", "undecided: drop")
    run_data_half(REGIONS)
    capsys.readouterr()
    annotate.STAGE.execute(region="nl")
    said = last_line(capsys)
    assert said.startswith("nl: annotate kept 0 of 4 pictures (undecided 4): people decide")
    assert "culturebench annotate push --region nl" in said and "culturebench annotate accept --region nl" in said
    assert emptied(project, ["nl"]) == [said]
