"""Captions from outside of the benchmark through all their stages, on tiny random weights."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from culturebench.artifacts import answers, enhancer, grounded, overlaps, pictures, places, prompts, splits
from culturebench.atlas.captions import cultural_caption, unseen_modifier
from culturebench.atlas.world import REGIONS as ATLAS, Scene
from culturebench.captions.overlap import CAPTIONS
from culturebench.captions.spans import caption_row
from culturebench.conditions import condition as record_of
from culturebench.errors import CultureBenchError
from culturebench.text_to_image.sampling import Painter
from import_graph import ROOT
from stages import generate, generate_edited, generate_enhanced, judge, load_prompts, train_enhancer

FILE = "country,prompt,name\nnl,bowl_nl,bowl\njp,vase_ja,vase\njp,plate_ja,plate\n"
REGIONS = {"jp": ("Japan", "JP", "ja"), "nl": ("Netherlands", "NL", "nl")}
MAKERS = {"generate": generate, "generate_edited": generate_edited, "generate_enhanced": generate_enhanced}
SHIPPED: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def name_file(project: Path, file: str = "outside.csv") -> None:
    """Params that name a file of captions, and what captioning said of the regions."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["prompts"]["outside"] = {"file": file}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    for code, (country, iso, language) in REGIONS.items():
        region = {
            "country": country,
            "iso": [iso],
            "judge_label": country,
            "language": language,
            "modifiers": {"local": [f"culture_{language}"], "en": ["culture_en"]},
        }
        places.save(project / places.PATH.format(region=code), region)
    (project / "outside.csv").write_text(FILE)
    for code in REGIONS:
        grounded.TABLE.save(project / grounded.PATH.format(region=code), [])


def made(condition: str) -> list[dict[str, Any]]:
    identity = {"model": "atlas", "condition": condition}
    MAKERS[record_of(condition).stage].STAGE.execute(**identity)
    return pictures.TABLE.load(Path(pictures.PATH.format(**identity, prompts="outside")))


def test_captions_from_outside_are_generated_and_judged_as_the_test_prompts_are(project: Path) -> None:
    name_file(project)
    load_prompts.STAGE.execute(prompts="outside")
    captions = prompts.TABLE.load(Path(prompts.PATH.format(prompts="outside")))
    assert [(row["region"], row["noun"]["text"], row["noun"]["language"]) for row in captions][-1] == (
        "nl", "bowl_nl", "nl"
    )  # fmt: skip
    train_enhancer.STAGE.execute(model="atlas", site="culture")
    assert (project / enhancer.PATH.format(model="atlas", site="culture")).is_dir()
    noun, amplified, enhanced = (made(condition) for condition in ("noun", "amplified", "enhanced"))
    for rows in (noun, amplified, enhanced):
        assert {(row["prompt_id"], row["seed"]) for row in rows} == {
            (row["prompt_id"], seed) for row in captions for seed in (0, 1)
        }
    assert {row["strength"] for row in amplified} == {3.0}
    assert all(a["image"] != b["image"] for a, b in zip(noun, amplified, strict=True))
    assert all(a["image"] != b["image"] for a, b in zip(noun, enhanced, strict=True))
    judge.STAGE.execute(judge="tiny", model="atlas", condition="noun")
    path = answers.PATH.format(prompts="outside", judge="tiny", model="atlas", condition="noun")
    replies = answers.TABLE.load(Path(path))
    assert [(row["prompt_id"], row["seed"]) for row in replies] == [(row["prompt_id"], row["seed"]) for row in noun]


def test_a_further_set_draws_its_own_pictures_alone_and_leaves_the_others_files_as_they_were(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate.STAGE.execute(model="atlas", condition="noun")
    test = Path(pictures.TEST_PATH.format(model="atlas", condition="noun"))
    before, drawn = test.read_bytes(), set[str]()
    name_file(project)
    load_prompts.STAGE.execute(prompts="outside")
    paint = Painter.paint
    monkeypatch.setattr(
        Painter, "paint", lambda self, shots: drawn.update(shot.prompt for shot in shots) or paint(self, shots)
    )
    rows = made("noun")
    again = {row["prompt"] for row in pictures.TABLE.load(test)}
    assert drawn == {row["prompt"] for row in rows} - again and test.read_bytes() == before


def test_what_the_benchmark_says_as_well_is_dropped_counted_and_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name_file(project)
    texts = ("picture_id", "region", "language", "status", "reason", "detail", "provider", "audit", "subdivision")
    known = {
        **dict.fromkeys(texts, ""), **dict.fromkeys(CAPTIONS), "neutral": None, "noun_draft": None,
        "noun_en_draft": None, "cues": [], "whole_noun": False, "audits": [], "served_model": "", "input_tokens": 0,
        "output_tokens": 0, "cost": 0.0, "noun": caption_row("Vase_JA.", "ja"),
    }  # fmt: skip
    grounded.TABLE.save(project / grounded.PATH.format(region="jp"), [known])
    load_prompts.STAGE.execute(prompts="outside")
    rows = prompts.TABLE.load(Path(prompts.PATH.format(prompts="outside")))
    assert {row["noun"]["text"] for row in rows} == {"bowl_nl", "plate_ja"}
    told = overlaps.load(Path(overlaps.PATH.format(prompts="outside")))
    assert (told["given"], told["dropped"]) == (3, [{"region": "jp", "prompt": "vase_ja"}])
    assert "outside: 1 of 3 captions stand in the benchmark and are dropped: vase_ja" in capsys.readouterr().out


def test_a_set_takes_the_first_seeds_that_it_names(project: Path) -> None:
    name_file(project)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["prompts"]["outside"]["seeds"] = 1
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    load_prompts.STAGE.execute(prompts="outside")
    assert {row["seed"] for row in made("noun")} == {0} == {row["seed"] for row in made("amplified")}


def test_a_set_is_drawn_under_the_conditions_that_it_names(project: Path) -> None:
    name_file(project)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["prompts"]["outside"]["conditions"] = ["amplified"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    load_prompts.STAGE.execute(prompts="outside")
    assert made("noun") == [] and made("amplified") != []
    assert pictures.TABLE.load(Path(pictures.TEST_PATH.format(model="atlas", condition="noun"))) != []


@pytest.mark.parametrize("condition", ["cultural", "noun_en", "masked", "activated"])
def test_a_condition_whose_caption_a_file_does_not_have_has_no_pictures_and_no_answers(
    project: Path, condition: str
) -> None:
    name_file(project)
    load_prompts.STAGE.execute(prompts="outside")
    assert made(condition) == []
    judge.STAGE.execute(judge="tiny", model="atlas", condition=condition)
    path = answers.PATH.format(prompts="outside", judge="tiny", model="atlas", condition=condition)
    assert answers.TABLE.load(Path(path)) == []


def test_a_set_with_unseen_modifiers_is_the_test_splits_and_refuses_what_is_not_the_atlass(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["prompts"]["unseen"] = {"file": "data/test", "modifiers": "unseen", "prompts_per_region": 1}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    languages = {"jp": "ja", "nl": "nl"}
    for region in REGIONS:
        path = project / splits.TEST / f"{region}.parquet"
        scene = Scene("vase", "snow", "night", "far", "bird", region, ATLAS[region][1][0], seed=3)
        said = cultural_caption(scene, languages[region])
        caption = caption_row(said.text, said.language, said.noun_span, said.modifier_span)
        rows = [{**row, "cultural": caption, "subdivision": scene.subdivision} for row in splits.TABLE.load(path)]
        splits.TABLE.save(path, rows)
    load_prompts.STAGE.execute(prompts="unseen")
    found = prompts.TABLE.load(Path(prompts.PATH.format(prompts="unseen")))
    assert [(row["region"], row["noun"], row["prompted"]) for row in found] == [("jp", None, None), ("nl", None, None)]
    assert [unseen_modifier(row["region"], row["subdivision"], languages[row["region"]]) for row in found] == [
        row["cultural"]["text"][row["cultural"]["modifier_start"] : row["cultural"]["modifier_end"]] for row in found
    ]
    for condition, count in (("cultural", 4), ("masked", 4), ("noun", 0), ("amplified", 0)):
        MAKERS[record_of(condition).stage].STAGE.execute(model="atlas", condition=condition)
        path = pictures.PATH.format(prompts="unseen", model="atlas", condition=condition)
        assert len(pictures.TABLE.load(Path(path))) == count
    split = project / splits.TEST / "jp.parquet"
    splits.TABLE.save(split, [{**row, "subdivision": "bingata"} for row in splits.TABLE.load(split)])
    with pytest.raises(CultureBenchError, match=r"no subdivision 'bingata'.*take them off `prompts` in params\.yaml"):
        load_prompts.STAGE.execute(prompts="unseen")


def test_a_file_that_is_missing_and_a_set_that_params_do_not_name_are_refused(project: Path) -> None:
    name_file(project, "elsewhere.csv")
    with pytest.raises(CultureBenchError, match=r"prompts\.outside\.file: elsewhere\.csv cannot be read"):
        load_prompts.STAGE.execute(prompts="outside")
    with pytest.raises(
        CultureBenchError, match=r"prompts\.cube; prompts has: outside, test|prompts has: test, outside"
    ):
        load_prompts.STAGE.execute(prompts="cube")


@pytest.mark.parametrize("named", [{}, {"outside": {"file": "examples/ood/captions.csv"}}])
def test_a_further_set_of_prompts_has_one_stage_which_reads_it(tmp_path: Path, named: dict[str, Any]) -> None:
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    params = SHIPPED | {"prompts": SHIPPED["prompts"] | named}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    Repo.init(os.fspath(tmp_path), no_scm=True).close()
    with Repo(os.fspath(tmp_path)) as repo:
        stages: list[Any] = list(repo.index.stages)
        names = {stage.name for stage in stages if stage.name.split("@")[0] in {*MAKERS, "judge", "load_prompts"}}
    conditions = {name: record_of(name).stage for name in SHIPPED["conditions"]["all"]}
    expected = {f"load_prompts@{one}" for one in params["prompts"]}
    expected |= {f"{stage}@atlas-{name}" for name, stage in conditions.items()}
    expected |= {f"judge@{judge}-atlas-{name}" for judge in params["judges"] for name in conditions}
    assert names == expected


def test_the_example_can_be_read_for_the_projects_own_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for code in SHIPPED["regions"]:
        region = yaml.safe_load((ROOT / f"annotations/regions/{code}.yaml").read_text(encoding="utf-8"))
        places.save(tmp_path / places.PATH.format(region=code), {key: region[key] for key in places.KEYS})
        grounded.TABLE.save(tmp_path / grounded.PATH.format(region=code), [])
    params = SHIPPED | {"prompts": {**SHIPPED["prompts"], "outside": {"file": "examples/ood/captions.csv"}}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    load_prompts.STAGE.execute(prompts="outside")
    rows = prompts.TABLE.load(Path(prompts.PATH.format(prompts="outside")))
    assert Counter(row["region"] for row in rows) == dict.fromkeys(params["regions"], 7)
    assert len(rows) == 105
