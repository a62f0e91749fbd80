"""A picture that several regions found: the experts of each decide, and it ends in one region or in none."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from culturebench.artifacts import annotated, duplicates, splits
from data_project import run_data_half, write_data_project

REGIONS = ["jp", "nl", "tr"]
SUBDIVISIONS = {"jp": "seigaiha", "nl": "delft", "tr": "iznik"}
#: Picture -> the regions that found it, each with what its experts say.
FOUND = {
    "of the second": {"jp": "reject", "nl": "keep"},
    "of the last": {"jp": "reject", "nl": "reject", "tr": "keep"},
    "of two": {"jp": "keep", "tr": "keep"},
    "of nobody": {"jp": "reject", "nl": "reject"},
    "undecided elsewhere": {"jp": "", "nl": "keep"},
    "found once": {"tr": "keep"},
}
#: A picture whose smaller copy another region found, and both keep.
RESCALED = "rescaled"


def picture(name: str) -> Image.Image:
    dice = np.random.default_rng(list(name.encode()))
    small = Image.fromarray(dice.integers(0, 256, (7, 7, 3), dtype=np.uint8))
    cloud = np.asarray(small.resize((320, 300), Image.Resampling.BICUBIC), dtype=np.int16)
    return Image.fromarray(np.clip(cloud + dice.integers(-30, 30, cloud.shape), 0, 255).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data half over a folder whose manifest names most files for several regions."""
    root = tmp_path_factory.mktemp("several")
    folder = root / "pictures"
    folder.mkdir()
    files = {name: (png(picture(name)), says) for name, says in FOUND.items()}
    files[RESCALED] = png(picture(RESCALED)), {"nl": "keep"}
    files["smaller"] = png(picture(RESCALED).resize((240, 225))), {"tr": "keep"}
    project = root / "project"
    source = {"kind": "folder", "path": str(folder), "licence": "CC0-1.0"}
    write_data_project(project, REGIONS, [source], split={"train": 1, "test": 1, "detect": 1})
    decisions: dict[str, list[str]] = {region: [] for region in REGIONS}
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "region", "noun", "noun:noun"])
        for name, (data, says) in files.items():
            (folder / f"{name}.png").write_bytes(data)
            for region, verdict in says.items():
                writer.writerow([f"{name}.png", region, f"thing {name}", "thing"])
                decisions[region] += decided(data, region, verdict)
    for region, lines in decisions.items():
        (project / f"annotations/decisions/{region}.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        run_data_half(REGIONS)
    return project


def identity(name: str) -> str:
    image = picture(RESCALED).resize((240, 225)) if name == "smaller" else picture(name)
    return hashlib.sha256(png(image)).hexdigest()


def decided(data: bytes, region: str, verdict: str) -> list[str]:
    line = {"picture_id": hashlib.sha256(data).hexdigest(), "verdict": verdict}
    line |= {"subdivision": SUBDIVISIONS[region]} if verdict == "keep" else {"reason": "wrong_culture"}
    return [json.dumps(line | {"annotator": name}) for name in ("ann", "ben")] if verdict else []


def regions_of(workspace: Path) -> dict[str, list[str]]:
    """Picture id -> the regions in whose splits it is."""
    found: dict[str, list[str]] = {}
    for region in REGIONS:
        for folder in splits.DIRECTORIES.values():
            for row in splits.TABLE.load(workspace / folder / f"{region}.parquet", ["picture_id"]):
                found.setdefault(row["picture_id"], []).append(region)
    return found


def test_the_experts_of_every_region_that_found_a_picture_decide_on_it(workspace: Path) -> None:
    for name, says in FOUND.items():
        for region in says:
            rows = annotated.TABLE.load(workspace / annotated.PATH.format(region=region))
            assert identity(name) in {row["picture_id"] for row in rows}, (name, region)


def test_a_picture_goes_to_the_one_region_that_keeps_it_whichever_is_named_first(workspace: Path) -> None:
    placed = regions_of(workspace)
    assert placed == {
        identity("of the second"): ["nl"],
        identity("of the last"): ["tr"],
        identity("undecided elsewhere"): ["nl"],
        identity("found once"): ["tr"],
    }


def test_what_several_regions_keep_leaves_all_of_them_and_is_counted_in_each(workspace: Path) -> None:
    document = json.loads((workspace / splits.COUNTS).read_text())
    dropped = {region: document["regions"][region]["split"]["dropped"] for region in REGIONS}
    assert dropped == {"jp": {"several_regions": 1}, "nl": {"several_regions": 1}, "tr": {"several_regions": 2}}
    rows = splits.UNSPLIT_TABLE.load(workspace / splits.UNSPLIT)
    assert {(row["picture_id"], row["region"]) for row in rows} == {
        (identity("of two"), "jp"), (identity("of two"), "tr"), (identity(RESCALED), "nl"), (identity("smaller"), "tr"),
    }  # fmt: skip
    for counts in [*document["regions"].values(), document["all"]]:
        leaving = sum(counts["split"]["dropped"].values())
        assert counts["caption"]["kept"] == counts["split"]["kept"] + leaving


def test_copies_in_several_regions_are_one_group(workspace: Path) -> None:
    groups: dict[str, str] = {}
    for region in REGIONS:
        for row in duplicates.TABLE.load(workspace / duplicates.PATH.format(region=region)):
            assert (row["status"], row["keeper"]) == ("kept", row["picture_id"])
            assert groups.setdefault(row["picture_id"], row["group"]) == row["group"]
    assert groups[identity(RESCALED)] == groups[identity("smaller")]
    assert len(set(groups.values())) == len(FOUND) + 1
