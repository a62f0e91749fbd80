"""Screening by meaning: what shows nothing of its region leaves with a reason, and what hardly does is marked."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import tiny_measures
from culturebench.artifacts import candidates, duplicates, pins, relevance, screened, splits
from culturebench.checks import problems
from culturebench.errors import CultureBenchError
from culturebench.measures.clip import Clip
from culturebench.measures.relevance import open_encoder
from culturebench.params import ParamsError, load_region, load_section
from culturebench.params.relevance import Relevance
from culturebench.pins import pin_folder
from culturebench.png import to_png
from data_project import ROOT, run_data_half, write_data_project
from stages import deduplicate, relevance as stage, screen

REGIONS = ["jp", "nl", "tr"]
PLANTED = {
    "near_duplicate": 0.0, "blurred": 0.0, "mislabelled": 0.2, "plain": 0.3, "badly_licensed": 0.05,
    "truncated": 0.0, "too_small": 0.0,
}  # fmt: skip
ATLAS = ROOT / "culturebench/atlas/weights/alignment"
DEFAULT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["relevance"][0]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data half of three regions, a third of whose pictures shows nothing of any culture."""
    from culturebench.atlas.annotators import main

    root = tmp_path_factory.mktemp("relevance")
    write_data_project(root, REGIONS, [{"kind": "atlas", "pictures": 80, "size": 128, "planted": PLANTED}])
    change(root, [DEFAULT])
    pins.save(root / pins.PATH.format(pin="atlas_alignment"), pin_folder("atlas_alignment", ATLAS))
    main(["--params", str(root / "params.yaml"), "--folder", str(root / "annotations/decisions")])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run_data_half(REGIONS)
    return root


@pytest.fixture
def inside(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(workspace)
    return workspace


def change(root: Path, section: list[dict[str, Any]]) -> None:
    path = root / "params.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "relevance": section}))


def rows(table: Any, template: str) -> list[dict[str, Any]]:
    return [row for region in REGIONS for row in table.load(Path(template.format(region=region)))]


def test_the_limits_of_the_atlas_drop_no_good_picture_and_mark_most_that_show_no_culture(inside: Path) -> None:
    planted = {row["picture_id"]: row["planted"].partition(":")[0] for row in rows(candidates.TABLE, candidates.PATH)}
    told = rows(relevance.TABLE, relevance.PATH)
    assert len(told) == sum(row["status"] == "kept" for row in rows(screened.TABLE, screened.PATH))
    kinds = Counter(planted[row["picture_id"]] for row in told)
    dropped = Counter(planted[row["picture_id"]] for row in told if row["reason"] == "irrelevant")
    marked = Counter(planted[row["picture_id"]] for row in told if row["borderline"])
    assert dropped[""] == 0 and marked[""] / kinds[""] < 0.08
    assert dropped["plain"] >= 4 and (dropped["plain"] + marked["plain"]) / kinds["plain"] > 0.5
    found = dropped["mislabelled"] + marked["mislabelled"]
    assert 0.08 < found / kinds["mislabelled"] < 0.6, "another culture is no matter of relevance alone"


def test_what_is_irrelevant_reaches_no_expert_and_is_counted_by_region(inside: Path) -> None:
    told = rows(relevance.TABLE, relevance.PATH)
    kept = {row["picture_id"] for row in told if row["status"] == "kept"}
    assert {row["picture_id"] for row in rows(duplicates.TABLE, duplicates.PATH)} == kept
    document = json.loads(Path(splits.COUNTS).read_text())
    for region, counts in document["regions"].items():
        mine = [row for row in told if row["region"] == region]
        assert counts["relevance"]["dropped"].get("irrelevant", 0) == sum(row["status"] == "dropped" for row in mine)
        assert counts["relevance"]["borderline"].get("relevance", 0) == sum(row["borderline"] for row in mine)
        assert counts["relevance"]["kept"] == counts["deduplicate"]["kept"] + sum(
            counts["deduplicate"]["dropped"].values()
        )


def test_without_a_clip_nobody_is_asked_whatever_an_earlier_run_said(inside: Path) -> None:
    before = {path: path.read_bytes() for path in Path(duplicates.DIRECTORY).iterdir()}
    change(inside, [])
    deduplicate.STAGE.execute()
    dropped = sum(row["status"] == "dropped" for row in rows(relevance.TABLE, relevance.PATH))
    screened_rows = [row for row in rows(screened.TABLE, screened.PATH) if row["status"] == "kept"]
    assert len(rows(duplicates.TABLE, duplicates.PATH)) == len(screened_rows) and dropped
    change(inside, [DEFAULT])
    deduplicate.STAGE.execute()
    assert {path: path.read_bytes() for path in before} == before


def candidate(name: str, image: bytes, query: str, language: str) -> dict[str, Any]:
    return {
        **{column.name: "" for column in candidates.TABLE.schema}, "picture_id": name, "region": "jp",
        "file_name": name, "query": query, "query_language": language, "status": "ok",
        "size_bytes": len(image), "captions": None,
        "scene": None, "released": None, "licence": "CC0-1.0", "image": image,
    }  # fmt: skip


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pictures from elsewhere, found by a keyword, by a category and by a keyword; a CLIP, and a text tower."""
    monkeypatch.chdir(tmp_path)
    write_data_project(tmp_path / "project", ["jp"])
    monkeypatch.chdir(tmp_path / "project")
    (one, two, three) = map(to_png, tiny_measures.pictures())
    queries = [("one", one, "a red house", "en"), ("two", two, "a red house", ""), ("three", three, "a bowl", "en")]
    candidates.TABLE.save(Path(candidates.PATH.format(region="jp")), [candidate(*query) for query in queries])
    screen.STAGE.execute(region="jp")
    folders = {"clip": tiny_measures.clip(tmp_path / "clip"), "words": tiny_measures.sentence_tower(tmp_path / "words")}
    for name, folder in {**folders, "atlas": ATLAS}.items():
        pins.save(Path(pins.PATH.format(pin=name)), pin_folder(name, folder))
    return tmp_path


def similarities() -> dict[str, float | None]:
    stage.STAGE.execute(region="jp")
    return {row["picture_id"]: row["similarity"] for row in relevance.TABLE.load(Path("data/relevance/jp.parquet"))}


@pytest.mark.parametrize("text", ["clip", "words"])
def test_a_picture_fits_its_keyword_or_a_modifier_of_its_region_whichever_it_fits_better(
    found: Path, text: str
) -> None:
    import torch

    change(Path(), [{"pin": "clip", "text": text}])
    clip = Clip(found / "clip", found / "words" if text == "words" else None, torch.device("cpu"), torch.float32)
    modifiers = load_region(stage.Modified, "jp").modifiers
    told = similarities()
    keywords = {"one": ["a red house"], "two": [], "three": ["a bowl"]}
    for image, (name, keyword) in zip(tiny_measures.pictures(), keywords.items(), strict=True):
        words = [*keyword, *modifiers.local, *modifiers.en]
        assert told[name] == pytest.approx(max(clip.similarity([image] * len(words), words)), abs=1e-5), name


def test_a_limit_drops_what_lies_below_it_and_marks_what_lies_below_the_other(found: Path) -> None:
    change(Path(), [{"pin": "clip", "text": "clip"}])
    values = sorted(value for value in similarities().values() if value is not None)
    limits = {"drop": (values[0] + values[1]) / 2, "borderline": (values[1] + values[2]) / 2}
    change(Path(), [{"pin": "clip", "text": "clip", **limits}])
    stage.STAGE.execute(region="jp")
    told = sorted(relevance.TABLE.load(Path("data/relevance/jp.parquet")), key=lambda row: row["similarity"] or 0)
    assert [(row["reason"], row["borderline"]) for row in told] == [("irrelevant", False), ("", True), ("", False)]


def test_the_atlas_encoder_is_not_asked_about_pictures_that_are_not_of_the_atlas(found: Path) -> None:
    change(Path(), [{"pin": "atlas", "text": "atlas", "drop": 1.0}])
    assert similarities() == {"one": None, "two": None, "three": None}
    assert {row["status"] for row in relevance.TABLE.load(Path("data/relevance/jp.parquet"))} == {"kept"}


def test_the_atlas_encoder_takes_no_other_text_tower(found: Path) -> None:
    with pytest.raises(CultureBenchError, match="reads with its own tower; name its pin"):
        open_encoder(ATLAS, found / "words")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ([{"pin": "a", "text": "a", "drop": 0.2, "borderline": 0.1}], "`borderline` has to be met before `drop`"),
        ([{"pin": "a", "text": "a"}] * 2, "at most 1"),
        ([{"pin": "a"}], r"relevance\.0\.text: Field required"),
    ],
)
def test_limits_that_contradict_each_other_and_a_second_clip_are_refused(section: Any, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        load_section(Relevance, {"relevance": section})


def test_a_pin_that_is_nowhere_is_named_with_those_there_are(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "annotations", tmp_path / "annotations")
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    document["relevance"] = [{"pin": "atlas_alignment", "text": "clip_multi"}]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (said,) = problems(tmp_path)
    assert "relevance.0.text: 'clip_multi' is not in `pins`; there are: atlas_alignment" in said
