"""Captions from outside of the benchmark through all their stages, on tiny random weights; and off by default."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from culturebench.artifacts import answers, enhancer, ood, pictures
from culturebench.errors import CultureBenchError
from import_graph import ROOT
from stages import generate_ood, judge_ood, load_ood, train_enhancer

FILE = "country,prompt,name\nnl,bowl_nl,bowl\njp,vase_ja,vase\njp,plate_ja,plate\n"
REGIONS = {"jp": ("Japan", "JP", "ja"), "nl": ("Netherlands", "NL", "nl")}


def name_file(project: Path, file: str = "outside.csv") -> None:
    """Params that name a file of captions, and the regions' files."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    (project / "params.yaml").write_text(yaml.safe_dump(params | {"ood": {"outside": {"file": file}}}))
    folder = project / "annotations/regions"
    folder.mkdir(parents=True)
    for code, (country, iso, language) in REGIONS.items():
        region = {"country": country, "iso": [iso], "judge_label": country, "language": language}
        (folder / f"{code}.yaml").write_text(yaml.safe_dump(region))
    (project / "outside.csv").write_text(FILE)


def made(condition: str) -> list[dict[str, Any]]:
    generate_ood.STAGE.execute(prompts="outside", model="atlas", condition=condition)
    return pictures.TABLE.load(Path(pictures.OOD_PATH.format(prompts="outside", model="atlas", condition=condition)))


def test_captions_from_outside_are_generated_and_judged_under_every_condition(project: Path) -> None:
    name_file(project)
    load_ood.STAGE.execute(prompts="outside")
    captions = ood.TABLE.load(Path(ood.PATH.format(prompts="outside")))
    assert [(row["region"], row["prompt"], row["language"]) for row in captions if row["region"] == "nl"] == [
        ("nl", "bowl_nl", "nl")
    ]
    train_enhancer.STAGE.execute(model="atlas", site="culture")
    assert (project / enhancer.PATH.format(model="atlas", site="culture")).is_dir()
    noun, amplified, enhanced = (made(condition) for condition in pictures.OOD_CONDITIONS)
    for rows in (noun, amplified, enhanced):
        assert {(row["prompt_id"], row["seed"]) for row in rows} == {
            (row["prompt_id"], seed) for row in captions for seed in (0, 1)
        }
    assert {row["strength"] for row in amplified} == {3.0}
    assert all(a["image"] != b["image"] for a, b in zip(noun, amplified, strict=True))
    assert all(a["image"] != b["image"] for a, b in zip(noun, enhanced, strict=True))
    judge_ood.STAGE.execute(prompts="outside", judge="tiny", model="atlas", condition="noun")
    path = answers.OOD_PATH.format(prompts="outside", judge="tiny", model="atlas", condition="noun")
    replies = answers.TABLE.load(Path(path))
    assert [(row["prompt_id"], row["seed"]) for row in replies] == [(row["prompt_id"], row["seed"]) for row in noun]


def test_a_file_that_is_missing_and_a_set_that_params_do_not_name_are_refused(project: Path) -> None:
    name_file(project, "elsewhere.csv")
    with pytest.raises(CultureBenchError, match=r"ood\.outside\.file: elsewhere\.csv cannot be read"):
        load_ood.STAGE.execute(prompts="outside")
    with pytest.raises(CultureBenchError, match=r"ood\.cube; ood has: outside"):
        load_ood.STAGE.execute(prompts="cube")


@pytest.mark.parametrize("named", [{}, {"outside": {"file": "examples/ood/captions.csv"}}])
def test_the_stages_are_there_exactly_when_a_file_is_named(tmp_path: Path, named: dict[str, Any]) -> None:
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"ood": named}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    Repo.init(os.fspath(tmp_path), no_scm=True).close()
    with Repo(os.fspath(tmp_path)) as repo:
        stages: list[Any] = list(repo.index.stages)
        names = {stage.name for stage in stages if stage.name.split("@")[0].endswith("_ood")}
    judged = {f"{judge}-atlas-{condition}" for judge in params["judges"] for condition in pictures.OOD_CONDITIONS}
    expected = {"load_ood@outside", *(f"generate_ood@outside-atlas-{name}" for name in pictures.OOD_CONDITIONS)}
    assert names == (expected | {f"judge_ood@outside-{name}" for name in judged} if named else set())


def test_the_example_can_be_read_for_the_projects_own_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("examples", "annotations"):
        (tmp_path / name).symlink_to(ROOT / name)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["ood"] = {"outside": {"file": "examples/ood/captions.csv"}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    load_ood.STAGE.execute(prompts="outside")
    rows = ood.TABLE.load(Path(ood.PATH.format(prompts="outside")))
    assert {row["region"]: 4 for row in rows} == dict.fromkeys(params["regions"], 4)
    assert len(rows) == 60
