"""A folder of one's own pictures goes by the documents' commands to pairs of every region, and to a release."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shlex
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sklearn
import yaml

from culturebench.artifacts import splits
from culturebench.atlas.pictures import render
from culturebench.atlas.world import REGIONS as ATLAS, Scene, contexts
from culturebench.probing.pairs import pairs_of
from data_project import run_data_half, write_data_project
from documents import blocks, commands
from workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own_pictures")]

REGIONS = ["cn", "de", "jp", "nl", "tr"]
#: Written as people do -> the id under which it is allowed, or "" where the picture has to leave.
LICENCES = {
    "CC BY 2.0": "CC-BY-2.0",
    "CC0": "CC0-1.0",
    "CC BY-SA 4.0,3.0,2.5,2.0,1.0": "CC-BY-SA-4.0",
    "CC BY-SA 3.0 IGO": "CC-BY-SA-3.0-IGO",
    "The MIT License": "MIT",
    "FAL": "LAL-1.3",
    "All rights reserved": "",
}
#: Noun captions with a marked noun, with a column that marks it, with `*`, and without any mark; "" for none.
NOUNS = {
    "cn": [("红色的[碗]", ""), ("桌上的花瓶", "花瓶"), ("灯笼", "*"), ("海边的房子", "")],
    "de": [("eine rote [Schale]", ""), ("eine Vase auf dem Tisch", "Vase"), ("Laterne", "*"), ("Ein Haus am See.", "")],
    "jp": [("赤い[鉢]", ""), ("机の上の花瓶", "花瓶"), ("提灯", "*"), ("海辺の家", "")],
    "nl": [("een rode [kom]", ""), ("een vaas op tafel", "vaas"), ("lantaarn", "*"), ("het huis aan zee", "")],
    "tr": [("kırmızı [kase]", ""), ("masadaki vazo", "vazo"), ("fener", "*"), ("deniz kenarında ev", "")],
}
PHOTOGRAPHS = {"china.jpg": "cn", "flower.jpg": "nl"}
DATA_HALF = [line for line in commands("bash", document="docs/data.md") if "repro" in line or "accept" in line][:3]


@dataclass(frozen=True)
class Told:
    """A project whose folder went through the data half, and what each command printed."""

    workspace: Workspace
    printed: dict[str, str]

    def rows(self, region: str) -> list[Any]:
        paths = [self.workspace.root / folder / f"{region}.parquet" for folder in splits.DIRECTORIES.values()]
        return [row for path in paths for row in splits.TABLE.load(path)]


def write_folder(folder: Path) -> None:
    """Drawn pictures of five regions and two photographs, with a manifest; some files are of no region."""
    folder.mkdir()
    lines = [["file", "region", "licence", "author", "noun", "noun_span", "noun_en"]]
    number = 0
    for region in REGIONS:
        for noun, span in NOUNS[region]:
            scene = Scene(*contexts()[37 * number], region=region, subdivision=ATLAS[region][1][0], seed=number)
            render(scene, 256).save(folder / f"{number}.png")
            licence = list(LICENCES)[number % len(LICENCES)]
            lines.append([f"{number}.png", region, licence, "Anna", noun, span, "A red [bowl] on a table"])
            number += 1
    for name, region in PHOTOGRAPHS.items():
        shutil.copy(Path(sklearn.__file__).parent / "datasets/images" / name, folder)
        lines.append([name, region, "CC BY 2.0", "danielbuechele", NOUNS[region][3][0] + "!", "", ""])
    lines.append(["china.jpg", "jp", "CC BY 2.0", "danielbuechele", "寺", "*", ""])  # found for a second region
    lines.append(["0.png", "Atlantis", "CC0", "Anna", "bowl", "", ""])
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)


def run(workspace: Workspace, command: str) -> str:
    done = subprocess.run(
        shlex.split(command), cwd=workspace.root, env=workspace.shell, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    workspace = Workspace.fresh(tmp_path_factory.mktemp("own_pictures"))
    workspace.edit("dvc.yaml", lambda stages: stages[: stages.index("  # ── each text encoder")])
    (block,) = blocks("yaml", section="Your own pictures")
    source = yaml.safe_load(block.text)["collect"]["sources"][0]
    write_folder(workspace.root / source["path"])

    def change(params: dict[str, Any]) -> None:
        params["regions"] = REGIONS
        params["collect"]["sources"] = [source]
        params["screen"]["licences"] = ["MIT", "LAL-1.3", "CC-BY-SA-3.0-IGO", *params["screen"]["licences"]]
        params["annotate"]["min_decisions"] = 1

    workspace.edit_params(change)
    photograph = hashlib.sha256((workspace.root / source["path"] / "china.jpg").read_bytes()).hexdigest()
    line = {"picture_id": photograph, "annotator": "hana", "verdict": "reject", "reason": "wrong_culture"}
    for region in REGIONS:  # those of the atlas's own annotators leave
        path = workspace.root / f"annotations/decisions/{region}.jsonl"
        path.write_text(json.dumps(line) + "\n" if region == "jp" else "")
    lines = ["culturebench validate", *DATA_HALF, "culturebench status", "culturebench release 1.0.0"]
    return Told(workspace, {line: run(workspace, line) for line in lines})


def test_the_documents_name_the_commands_of_this_story() -> None:
    assert [re.sub(" --.*", "", line) for line in DATA_HALF] == [
        "dvc repro deduplicate",
        "culturebench annotate accept",
        "dvc repro split",
    ]


def test_every_region_ends_with_pairs_in_its_own_language(told: Told) -> None:
    for region in REGIONS:
        pairs, dropped = pairs_of(told.rows(region))
        assert len(pairs) >= 3 and not dropped, region
        for pair in pairs:
            start, end = pair.cultural.noun
            assert pair.cultural.text[start:end] == pair.noun.text[slice(*pair.noun.noun)]
            assert pair.neutral is not None and pair.cultural.modifier is not None
    english = {row["cultural_en"]["text"] for row in told.rows("de")}
    written = {"A red German-style bowl on a table", "A red bowl in the traditional German style on a table"}
    assert english and english <= written


def test_nothing_vanished_on_the_way(told: Told) -> None:
    counts = told.workspace.load_json(splits.COUNTS)["all"]
    assert counts["collect"]["dropped"] == {"unknown_region": 1}
    assert counts["screen"]["dropped"] == {"licence": sum(n % len(LICENCES) == 6 for n in range(20))}
    assert counts["annotate"]["dropped"] == {"wrong_culture": 1}
    assert counts["caption"]["pairs"] == counts["caption"]["kept"] == counts["split"]["kept"]
    assert 0 < counts["caption"]["whole_noun"] < counts["caption"]["pairs"]
    said = told.printed["culturebench status"]
    stale = [line for line in said.splitlines() if " will run " in line or " may run " in line]
    assert all(line.startswith("pin_model@") for line in stale) and "0.png (unknown_region" in said  # of the model half
    assert told.printed["dvc repro split"].count("pairs for the layer probe") == len(REGIONS) + 1


def test_the_photograph_that_two_regions_found_is_where_its_experts_keep_it(told: Told) -> None:
    rows = [(row["region"], row["picture_id"]) for region in REGIONS for row in told.rows(region)]
    photograph = hashlib.sha256((told.workspace.root / "my-pictures/china.jpg").read_bytes()).hexdigest()
    assert [region for region, picture in rows if picture == photograph] == ["cn"]


def test_the_release_is_read_back_with_every_picture_caption_and_licence(told: Told, tmp_path: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(told.workspace.root / "release"), cache_dir=str(tmp_path))
    read = {row["picture_id"]: row for side in loaded.values() for row in side}
    rows = {row["picture_id"]: row for region in REGIONS for row in told.rows(region)}
    assert read.keys() == rows.keys() and len(rows) == 20
    for name, row in rows.items():
        assert (read[name]["region"], read[name]["licence"]) == (row["region"], row["licence"])
        assert read[name]["noun"]["text"] == row["noun"]["text"] and read[name]["image"].size[0] >= 256
    found = Counter(row["licence"] for row in read.values())
    assert set(found) == set(LICENCES.values()) - {""}


def test_the_release_is_a_source_from_which_the_same_rows_come(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"kind": "release", "path": str(told.workspace.root / "release")}
    params = yaml.safe_load((told.workspace.root / "params.yaml").read_text(encoding="utf-8"))
    write_data_project(tmp_path / "clone", REGIONS, [source], screen=params["screen"])
    for kind in ("decisions", "splits"):
        shutil.rmtree(tmp_path / "clone/annotations" / kind)
    monkeypatch.chdir(tmp_path / "clone")
    run_data_half(REGIONS)
    clone = Told(Workspace(tmp_path / "clone", tmp_path / "store"), {})
    assert [clone.rows(region) for region in REGIONS] == [told.rows(region) for region in REGIONS]
