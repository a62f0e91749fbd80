"""A new region begins as a file to fill in, and params.yaml keeps every comment."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from culturebench import cli
from culturebench.checks import problems
from culturebench.errors import CultureBenchError
from culturebench.params import load_document
from import_graph import ROOT

PARAMS = (ROOT / "params.yaml").read_text(encoding="utf-8")
REGIONS = yaml.safe_load(PARAMS)["regions"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "annotations/regions", tmp_path / "annotations/regions")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["region", *arguments])


def everything(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_region_that_lies_ready_is_only_listed(project: Path) -> None:
    before = (project / "annotations/regions/vn.yaml").read_bytes()
    assert call("add", "vn", "--country", "Vietnam", "--language", "vi").exit_code == 0
    assert load_document(project / "params.yaml")["regions"] == [*REGIONS, "vn"]
    assert (project / "annotations/regions/vn.yaml").read_bytes() == before
    assert problems(project) == []


def test_a_new_file_knows_iso_code_and_script_and_says_what_is_missing(project: Path) -> None:
    assert call("add", "no", "--country", "Norway", "--language", "no").exit_code == 0
    content = load_document(project / "annotations/regions/no.yaml")
    assert (content["code"], content["iso"], content["language"], content["script"]) == ("no", ["NO"], "no", "Latn")
    assert load_document(project / "params.yaml")["regions"][-1] == "no"
    for folder in ("decisions", "captions"):
        assert (project / f"annotations/{folder}/no.jsonl").read_bytes() == b""
    result = call("check", "no")
    assert result.exit_code == 1
    for said in ("keywords.architecture.local: it is empty", "subdivisions: 3 or more", "exclude: 1 or more"):
        assert said in result.stderr
    assert any("no.yaml: keywords.food.en" in problem for problem in problems(project))


def test_a_filled_file_passes_the_check(project: Path) -> None:
    call("add", "am", "--country", "Armenia", "--language", "hy")
    path = project / "annotations/regions/am.yaml"
    new, vietnam = load_document(path), load_document(project / "annotations/regions/vn.yaml")
    assert new.keys() == vietnam.keys()
    words = {"local": ["խաչքար", "կարպետ", "դուդուկ"], "en": ["khachkar", "karpet", "duduk"]}
    new["keywords"] = dict.fromkeys(new["keywords"], words)
    part = {"name": "Khachkars", "local_name": "խաչքար", "keywords": words}
    new |= {"subdivisions": {"a": part, "b": part, "c": part}, "modifiers": words, "neutral_modifiers": words}
    new |= {"exclude": vietnam["exclude"], "notes": "Name the town."}
    path.write_text(yaml.safe_dump(new, allow_unicode=True), encoding="utf-8")
    assert call("check", "am").exit_code == 0
    assert "խաչքար" in call("show", "am").stdout


@pytest.mark.parametrize("style", ["flow", "block", "wrapped"])
def test_params_keep_every_comment_and_every_other_line(project: Path, style: str) -> None:
    line = next(line for line in PARAMS.splitlines() if line.startswith("regions:"))
    block = "regions:\n" + "".join(f"  - {code}  # {code}\n" for code in REGIONS)
    wrapped = line.replace("[", "[\n    ").replace(", de", ",  # then Europe\n    de")
    text = PARAMS.replace(line, {"flow": line, "block": block.removesuffix("\n"), "wrapped": wrapped}[style])
    (project / "params.yaml").write_text(text, encoding="utf-8")
    assert call("add", "vn", "--country", "Vietnam", "--language", "vi").exit_code == 0
    after = (project / "params.yaml").read_text(encoding="utf-8")
    assert load_document(project / "params.yaml") == yaml.safe_load(text) | {"regions": [*REGIONS, "vn"]}
    changed = [line for line in difflib.ndiff(text.splitlines(), after.splitlines()) if line[:2] in ("- ", "+ ")]
    assert len(changed) <= 2
    assert text.count("#") == after.count("#")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("jp", "--country", "Japan", "--language", "ja"), "'jp' is in params.yaml already"),
        (("vn", "--country", "Laos", "--language", "lo"), "its country is 'Vietnam'"),
        (("xy", "--country", "Atlantis", "--language", "el"), "'Atlantis' is no English name of a country"),
        (("gr", "--country", "Greece", "--language", "qq"), "unknown language 'qq'"),
        (("Greece", "--country", "Greece", "--language", "el"), "two to eight small letters"),
        (("../gr", "--country", "Greece", "--language", "el"), "two to eight small letters"),
    ],
)
def test_what_cannot_be_added_is_refused_and_nothing_is_written(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = everything(project)
    result = call("add", *arguments)
    assert isinstance(result.exception, CultureBenchError) and said in str(result.exception)
    assert everything(project) == before


def test_a_group_of_countries_is_named_by_its_codes(project: Path) -> None:
    options = ("--language", "sw", "--iso", "KE", "--iso", "TZ")
    assert call("add", "sw", "--country", "Swahili coast", *options).exit_code == 0
    assert load_document(project / "annotations/regions/sw.yaml")["iso"] == ["KE", "TZ"]


def test_a_page_shows_all_that_the_file_says(project: Path) -> None:
    content = load_document(project / "annotations/regions/jp.yaml")
    page = " ".join(call("show", "jp").stdout.split())
    for words in content["keywords"].values():
        assert all(term in page for term in [*words["local"], *words["en"]])
    for part in content["subdivisions"].values():
        assert part["name"] in page and part["local_name"] in page
    assert all(item["reason"] in page for item in content["exclude"])
    assert " ".join(content["notes"].split()) in page


def test_a_region_that_is_nowhere_is_refused_with_the_codes_there_are(project: Path) -> None:
    assert "regions with a file: arab" in str(call("show", "atlantis").exception)
