"""Spain and Mexico from pictures to the evaluation: two regions of one language, which share some of their nouns."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from culturebench.artifacts import annotated, answers, evaluation, measured, overlaps, pictures, prompts, splits
from culturebench.report.languages import by_language
from culturebench.report.results import Results
from data_project import ROOT, run_data_half, write_data_project
from stages import evaluate, load_prompts

REGIONS = ["es", "mx", "jp"]
SUBDIVISIONS = {"es": "talavera", "mx": "puebla", "jp": "seigaiha"}
SHARED = [f"un cuenco número {number} sobre la mesa" for number in range(8)]
#: Region -> the nouns of its pictures; Spain's and Mexico's first ones are word by word the same.
NOUNS = {
    "es": [*SHARED, *(f"una casa de teja número {number}" for number in range(8))],
    "mx": [*SHARED, *(f"una olla de barro número {number}" for number in range(8))],
    "jp": [f"赤い鉢 {number}" for number in range(16)],
}
#: What the judge says of a region's pictures, by the number of their noun: right, the language's other region, wrong.
SAID = {"es": ("es", "mx", "jp", "es"), "mx": ("es", "mx", "mx", answers.UNRECOGNIZABLE), "jp": ("jp",) * 4}


def png(name: str) -> bytes:
    dice = np.random.default_rng(list(name.encode()))
    small = Image.fromarray(dice.integers(0, 256, (7, 7, 3), dtype=np.uint8))
    cloud = np.asarray(small.resize((320, 300), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = np.clip(cloud + dice.integers(-30, 30, cloud.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grain).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data half of the three regions, their prompts, and what a judge said of pictures that nobody drew."""
    root = tmp_path_factory.mktemp("language") / "project"
    folder = root.parent / "pictures"
    folder.mkdir()
    source = {"kind": "folder", "path": str(folder), "licence": "CC0-1.0"}
    params = write_data_project(root, REGIONS, [source], split={"train": 1, "test": 2, "detect": 1})
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "region", "category", "noun", "noun:noun", "noun_en"])
        for region, nouns in NOUNS.items():
            decided: list[str] = []
            for number, noun in enumerate(nouns):
                data = png(f"{region} {number}")
                (folder / f"{region}{number}.png").write_bytes(data)
                writer.writerow([f"{region}{number}.png", region, "crafts", noun, "*", f"a [thing] {region} {number}"])
                keep = {"picture_id": hashlib.sha256(data).hexdigest(), "verdict": "keep"}
                keep["subdivision"] = SUBDIVISIONS[region]
                decided += [json.dumps(keep | {"annotator": name}) for name in ("ana", "ben")]
            (root / f"annotations/decisions/{region}.jsonl").write_text("\n".join(decided) + "\n")
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params |= {name: shipped[name] for name in ("evaluate", "models", "judges", "encoders", "pins", "generate")}
    params["judges"] = {"atlas_cnn": shipped["judges"]["atlas_cnn"]}
    params["generate"] |= {"prompts_per_region": 16}
    params["prompts"] = {"test": {"file": "data/test"}}
    named = {"pinned": {"noun": None}, "edited": {}, "enhanced": {}}
    params["conditions"] = {**named, "all": {"noun": None}}
    (root / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run_data_half(REGIONS)
        load_prompts.STAGE.execute(prompts="test")
        _judged(prompts.TABLE.load(Path(prompts.TEST_PATH)))
        evaluate.STAGE.execute()
    return root


def _number(row: Any) -> int:
    return NOUNS[row["region"]].index(row["noun"]["text"])


def _judged(rows: list[Any]) -> None:
    """Pictures of the nouns, two seeds each, and the planted answers."""
    made = [
        {
            **{name: row[name] for name in ("prompt_id", "region", "subdivision", "object", "name", "domain")},
            "language": row["noun"]["language"], "prompt": row["noun"]["text"], "condition": "noun", "seed": seed,
            "draw": 0, "strength": 0.0, "image": b"",
        }
        for row in rows
        for seed in (0, 1)
    ]  # fmt: skip
    pictures.TABLE.save(Path(pictures.PATH.format(model="atlas", condition="noun", prompts="test")), made)
    by_id = {row["prompt_id"]: row for row in rows}
    replies = [
        {
            **{name: row[name] for name in ("prompt_id", "region", "condition", "seed")},
            "answer": _said(by_id[row["prompt_id"]]), "object": "", "raw": "", "served_model": "",
            "options": [*REGIONS, answers.UNRECOGNIZABLE],
        }
        for row in made
    ]  # fmt: skip
    answers.TABLE.save(Path("data/answers/atlas_cnn/atlas/noun/test.parquet"), replies)
    measured.TABLE.save(Path("data/measured/atlas/noun.parquet"), [])


def _said(row: Any) -> str:
    """Of a shared noun the same in both regions: its picture is the same."""
    number = _number(row)
    return SAID["es" if row["noun"]["text"] in SHARED else row["region"]][number % 4]


def split_of(project: Path) -> dict[str, dict[tuple[str, str], str]]:
    """Noun -> (region, picture id) -> the side on which it is."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for side, folder in splits.DIRECTORIES.items():
        for row in splits.TABLE.load_all(project / folder, REGIONS, ("picture_id", "region", "noun")):
            assert row["noun"]
            found.setdefault(row["noun"]["text"], {})[row["region"], row["picture_id"]] = side
    return found


def test_a_noun_that_both_regions_have_lies_on_one_side_in_both(project: Path) -> None:
    sides = split_of(project)
    assert {region for noun in SHARED for region, _ in sides[noun]} == {"es", "mx"}
    assert all(len(set(sides[noun].values())) == 1 for noun in SHARED), "else training would read what tests ask"
    assert len({side for noun in SHARED for side in sides[noun].values()}) == 3, "and not all of them on one"
    for region in REGIONS:
        rows = annotated.TABLE.load(project / annotated.PATH.format(region=region))
        assert {(row["status"], row["category"]) for row in rows} == {("kept", "crafts")}, "as the manifest says"


def test_the_shared_prompts_are_told_by_language(project: Path) -> None:
    told = overlaps.load(project / overlaps.PATH.format(prompts="test"))
    tested = sorted(noun for noun, of in split_of(project).items() if noun in SHARED and set(of.values()) == {"test"})
    assert len(tested) > 1 and told["dropped"] == []
    assert told["shared"] == [{"language": "es", "prompt": noun, "regions": ["es", "mx"]} for noun in tested]
    assert told["languages"] == {"es": "es", "mx": "es", "jp": "ja"}


def test_right_language_other_region_is_counted_beside_right_region_and_the_same_words_once(project: Path) -> None:
    rows = evaluation.load(project / evaluation.PATH)
    results = Results(rows, "atlas")
    given = prompts.TABLE.load(project / prompts.TEST_PATH)
    for region in ("es", "mx"):
        own: list[Any] = [row for row in given if row["region"] == region]
        counted = Counter("right" if (said := _said(row)) == region else said for row in own)
        other = {"es": "mx", "mx": "es"}[region]
        for measure, count in (("culture_vqa", counted["right"]), ("language_elsewhere", counted[other])):
            found = results.get("noun", measure, region=region)
            assert found and found["value"] == pytest.approx(count / len(own), abs=1e-6)
    spanish = [row for row in given if row["region"] != "jp"]
    every = results.get("noun", "language_vqa")
    assert every and every["n_images"] == 2 * len(spanish)
    assert every["n_prompts"] == len({row["noun"]["text"] for row in spanish if row["noun"]}) < len(spanish)
    assert not [row for row in rows if row["measure"].startswith("language") and row["region"] == "jp"]
    [table] = by_language(results, REGIONS, overlaps.load(project / overlaps.PATH.format(prompts="test")))
    assert (table["language"], table["regions"]) == ("Spanish", ["es", "mx"]) and table["shared"]
