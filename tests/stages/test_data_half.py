"""The data half on a small atlas: what was planted is found, each drop has its reason, nothing depends on chance."""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import yaml

from culturebench.annotation.lines import AnnotationError
from culturebench.artifacts import annotated, candidates, captioned, duplicates, screened, splits
from culturebench.errors import CultureBenchError
from culturebench.splitting.counts import screening_counts
from data_project import ROOT, run_data_half, write_data_project
from stages import annotate, deduplicate, screen, split

REGIONS = ["jp", "nl", "tr"]
PLANTED = {
    "near_duplicate": 0.15, "blurred": 0.05, "mislabelled": 0.08, "plain": 0.05, "badly_licensed": 0.05,
    "truncated": 0.04, "too_small": 0.04,
}  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished data half of three regions with many defects."""
    from culturebench.atlas.annotators import main

    root = tmp_path_factory.mktemp("data_half")
    write_data_project(root, REGIONS, [{"kind": "atlas", "pictures": 80, "size": 256, "planted": PLANTED}])
    main(["--params", str(root / "params.yaml"), "--folder", str(root / "annotations/decisions")])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run_data_half(REGIONS)
    return root


@pytest.fixture
def inside(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(workspace)
    return workspace


def every(table, template: str) -> list[dict]:
    return [row for region in REGIONS for row in table.load(Path(template.format(region=region)))]


def truth() -> dict[str, dict]:
    return {row["picture_id"]: row for row in every(candidates.TABLE, candidates.PATH)}


def test_screening_drops_what_was_planted_for_it_and_nothing_good(inside: Path):
    planted = {picture: told["planted"] for picture, told in truth().items()}
    for row in every(screened.TABLE, screened.PATH):
        reasons = {"too_small": "resolution", "truncated": "truncated", "badly_licensed": "licence"}
        kind = planted[row["picture_id"]]
        if kind == "blurred":
            assert row["reason"] in ("", "blur")
        else:
            assert row["reason"] == reasons.get(kind, ""), kind


def test_planted_duplicates_are_found_across_regions(inside: Path):
    scenes = {picture: json.dumps(told["scene"], sort_keys=True) for picture, told in truth().items()}
    rows = every(duplicates.TABLE, duplicates.PATH)
    group = {row["picture_id"]: row["group"] for row in rows}
    pairs = {pair: scenes[pair[0]] == scenes[pair[1]] for pair in combinations(sorted(group), 2)}
    found = {pair for pair in pairs if group[pair[0]] == group[pair[1]]}
    same = {pair for pair, equal in pairs.items() if equal}
    assert len(same) > 20
    assert len(found & same) / len(same) >= 0.95 and len(found & same) / len(found) >= 0.98
    keepers = Counter((row["group"], row["region"]) for row in rows if row["status"] == "kept")
    assert set(keepers) == {(row["group"], row["region"]) for row in rows} and max(keepers.values()) == 1


def test_experts_reject_what_is_not_of_the_region(inside: Path):
    planted = {picture: told["planted"].split(":")[0] for picture, told in truth().items()}
    rows = every(annotated.TABLE, annotated.PATH)
    right = {"mislabelled": "wrong_culture", "plain": "not_authentic", "blurred": "low_quality"}
    agree = [row["reason"] == right.get(planted[row["picture_id"]], "") for row in rows]
    assert sum(agree) / len(agree) > 0.95
    assert all(row["decisions"] == 3 and not row["provisional"] for row in rows)


def test_every_picture_of_a_split_has_captions_with_spans(inside: Path):
    rows = [
        row for side in splits.SPLITS for row in every(splits.TABLE, splits.DIRECTORIES[side] + "/{region}.parquet")
    ]
    assert len(rows) == sum(row["status"] == "kept" for row in every(captioned.TABLE, captioned.PATH))
    for row in rows:
        for role in ("cultural", "noun", "neutral", "cultural_en", "noun_en"):
            assert row[role]["noun_start"] >= 0
            assert (row[role]["modifier_start"] >= 0) == (role not in ("noun", "noun_en"))
        assert row["image"] and row["subdivision"]


def test_no_noun_caption_and_no_group_is_on_two_sides(inside: Path):
    sides: dict[tuple[str, str], set[str]] = {}
    for side in splits.SPLITS:
        for row in every(splits.TABLE, splits.DIRECTORIES[side] + "/{region}.parquet"):
            sides.setdefault(("group", row["group"]), set()).add(side)
            sides.setdefault((row["region"], row["noun"]["text"]), set()).add(side)
    assert all(len(found) == 1 for found in sides.values())


def test_counts_add_up_from_stage_to_stage(inside: Path):
    document = json.loads(Path(splits.COUNTS).read_text())
    for counts in [*document["regions"].values(), document["all"]]:
        names = ("collect", "screen", "deduplicate", "annotate", "caption", "split")
        for before, after in pairwise(names):
            stage = counts[after]
            leaving = sum(stage["dropped"].values()) + sum(stage.get("waiting", {}).values())
            assert counts[before]["kept"] == stage["kept"] + leaving, after
        assert sum(counts["split"][side] for side in splits.SPLITS) == counts["split"]["kept"]
    assert document["all"]["collect"]["kept"] == 240
    for region, groups in document["groups"].items():
        for by in ("subdivision", "category"):
            for name in ("pictures", *splits.SPLITS):
                counted = document["regions"][region]["split"][name if name != "pictures" else "kept"]
                assert sum(group.get(name, 0) for group in groups[by].values()) == counted


def test_pictures_are_counted_by_what_the_experts_said_of_them(inside: Path):
    document = json.loads(Path(splits.COUNTS).read_text())
    verdicts = {row["picture_id"]: row for row in every(annotated.TABLE, annotated.PATH)}
    for side in splits.SPLITS:
        rows = every(splits.TABLE, splits.DIRECTORIES[side] + "/{region}.parquet")
        assert rows and all(verdicts[row["picture_id"]]["category"] for row in rows)
        for row in rows:
            groups = document["groups"][row["region"]]
            assert groups["subdivision"][row["subdivision"]][side] > 0
            assert groups["category"][verdicts[row["picture_id"]]["category"]][side] > 0
    assert {"crafts", "clothing"} <= {name for one in document["groups"].values() for name in one["category"]}


def test_running_again_gives_the_same_bytes(inside: Path):
    files = [path for path in sorted(inside.rglob("*")) if path.is_file() and "annotations" not in path.parts]
    before = {path: path.read_bytes() for path in files}
    run_data_half(REGIONS)
    assert [path for path in files if path.read_bytes() != before[path]] == []


def test_a_frozen_picture_never_moves(inside: Path):
    kept = {row["picture_id"]: row["region"] for row in every(captioned.TABLE, captioned.PATH)}
    frozen = {picture: splits.SPLITS[number % 3] for number, picture in enumerate(sorted(kept)[::4])}
    for region in REGIONS:
        with Path(f"annotations/splits/{region}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([("picture_id", "split"), *((p, s) for p, s in frozen.items() if kept[p] == region)])
    split.STAGE.execute()
    for side in splits.SPLITS:
        for row in every(splits.TABLE, splits.DIRECTORIES[side] + "/{region}.parquet"):
            assert frozen.get(row["picture_id"], side) == side
    for region in REGIONS:
        Path(f"annotations/splits/{region}.csv").write_text("picture_id,split\n")


def test_a_takedown_is_dropped_and_counted(inside: Path):
    row = next(row for row in screened.TABLE.load(Path("data/screened/jp.parquet")) if row["status"] == "kept")
    removed = Path("annotations/removed.jsonl")
    removed.write_text(json.dumps({"sha256": row["picture_id"], "reason": "asked by its author"}) + "\n")
    screen.STAGE.execute(region="jp")
    removed.write_text("")
    after = {row["picture_id"]: row for row in screened.TABLE.load(Path("data/screened/jp.parquet"))}
    assert after[row["picture_id"]]["reason"] == "removed" and "author" in after[row["picture_id"]]["detail"]
    screen.STAGE.execute(region="jp")


def test_undecided_pictures_flow_on_only_when_asked_and_marked(inside: Path):
    decisions = Path("annotations/decisions/jp.jsonl")
    text, params = decisions.read_text(), Path("params.yaml").read_text()
    decisions.write_text("")
    annotate.STAGE.execute(region="jp")
    rows = annotated.TABLE.load(Path("data/annotated/jp.parquet"))
    assert rows and {(row["status"], row["reason"]) for row in rows} == {("dropped", "undecided")}
    Path("params.yaml").write_text(params.replace("undecided: drop", "undecided: provisional"))
    annotate.STAGE.execute(region="jp")
    rows = annotated.TABLE.load(Path("data/annotated/jp.parquet"))
    assert {(row["status"], row["provisional"]) for row in rows} == {("kept", True)}
    decisions.write_text(text + "{\n")
    with pytest.raises(AnnotationError, match=rf"jp\.jsonl:{text.count(chr(10)) + 1}"):
        annotate.STAGE.execute(region="jp")
    decisions.write_text(text)
    Path("params.yaml").write_text(params)
    annotate.STAGE.execute(region="jp")


OWN = f"""
from functools import cache
from pathlib import Path
from culturebench.atlas.alignment import AtlasAlignment
from culturebench.atlas.judges import to_pixels

@cache
def model():
    return AtlasAlignment(Path({str(ROOT / "culturebench/atlas/weights/alignment")!r}))

def relevance(images, queries):
    return model().similarity(images, [query.replace("atlas jp", "seigaiha") for query in queries])

def embed(images):
    return model().model.encode_pictures(to_pixels(list(images))).numpy()
"""


def test_models_of_ones_own_mark_pictures_for_the_experts_and_join_duplicates(
    inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "alignment_of_ones_own.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    params = Path("params.yaml").read_text()
    files = {path: path.read_bytes() for path in (Path("data/screened/jp.parquet"), *Path("data/duplicates").iterdir())}
    document = yaml.safe_load(params)
    document["screen"]["relevance"] = {
        "use": "alignment_of_ones_own:relevance", "version": "1", "drop": -1.1, "borderline": 1.1,
    }  # fmt: skip
    document["deduplicate"]["embedding"] = {
        "use": "alignment_of_ones_own:embed", "version": "1", "min_similarity": 0.9,
    }  # fmt: skip
    Path("params.yaml").write_text(yaml.safe_dump(document))
    screen.STAGE.execute(region="jp")
    rows = screened.TABLE.load(Path("data/screened/jp.parquet"))
    kept = [row for row in rows if row["status"] == "kept"]
    assert kept and all("relevance" in row["borderline"] and -1 <= row["relevance"] <= 1 for row in kept)
    assert screening_counts(rows)["borderline"]["relevance"] == len(kept)
    assert all(row["relevance"] is None for row in rows if row["reason"] == "resolution")
    before = sum(row["status"] == "kept" for row in every(duplicates.TABLE, duplicates.PATH))
    deduplicate.STAGE.execute()
    assert sum(row["status"] == "kept" for row in every(duplicates.TABLE, duplicates.PATH)) < before
    Path("params.yaml").write_text(params)
    screen.STAGE.execute(region="jp")
    deduplicate.STAGE.execute()
    assert [path for path in files if path.read_bytes() != files[path]] == []


def test_a_region_that_left_the_run_leaves_no_file_behind(inside: Path):
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(params.replace("- tr\n", ""))
    deduplicate.STAGE.execute()
    assert sorted(path.stem for path in Path(duplicates.DIRECTORY).iterdir()) == ["jp", "nl"]
    Path("params.yaml").write_text(params)
    deduplicate.STAGE.execute()


def test_a_missing_table_says_which_stage_makes_it(inside: Path):
    path = Path("data/screened/nl.parquet")
    data = path.read_bytes()
    path.unlink()
    with pytest.raises(CultureBenchError, match="dvc repro screen"):
        deduplicate.STAGE.execute()
    path.write_bytes(data)
