"""The study as two stages: planned from pictures that were made, and read from what people said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from culturebench.annotation.study import FOLDER
from culturebench.artifacts import annotated, answers, pictures, splits, study, study_tasks
from culturebench.errors import CultureBenchError
from culturebench.png import to_png
from stages import plan_study, study as said

CONDITIONS = ("noun", "cultural")
PLAN = {
    "model": None, "conditions": list(CONDITIONS), "prompts_per_region": {"scc": 1, "mcc": 0, "csr": 1}, "seeds": [0],
    "groups": 1, "people": 1, "gold": 1, "repeats": 1, "max_gold_wrong": 1, "min_seconds": 1, "salt": "a",
    "resamples": 200, "level": 0.95, "seed": 0, "scripted": None,
}  # fmt: skip


@pytest.fixture(autouse=True)
def made(project: Path) -> None:
    """Two prompts of each region under both conditions, and verdicts on all real test pictures."""
    set_study(PLAN)
    for condition in CONDITIONS:
        rows = [
            picture(condition, place, region, number) for place, region in enumerate(("jp", "nl")) for number in (0, 1)
        ]
        pictures.TABLE.save(Path(pictures.TEST_PATH.format(model="atlas", condition=condition)), rows)
        replies: list[Any] = [
            {
                **{key: row[key] for key in ("prompt_id", "region", "condition", "seed", "object")},
                "answer": row["region"] if condition == "cultural" else "unrecognizable",
                "raw": "", "served_model": "", "options": [],
            }
            for row in rows
        ]  # fmt: skip
        answers.TABLE.save(
            Path(answers.PATH.format(judge="tiny", prompts="test", model="atlas", condition=condition)), replies
        )
    for region in ("jp", "nl"):
        rows = splits.TABLE.load(Path(splits.TEST) / f"{region}.parquet", ("picture_id",))
        verdicts: list[Any] = [
            {
                "picture_id": row["picture_id"], "region": region, "status": "kept", "reason": "", "subdivision": "",
                "category": "", "agreement": 1.0, "decisions": 2, "provisional": False,
            }
            for row in rows
        ]  # fmt: skip
        annotated.TABLE.save(Path(annotated.PATH.format(region=region)), verdicts)
    Path(FOLDER).mkdir(parents=True)


def picture(condition: str, place: int, region: str, number: int) -> Any:
    image = to_png(Image.new("RGB", (16, 16), (number, place, len(condition))))
    return {
        "prompt_id": f"{splits.TEST}{place}_{region}_{number}", "region": region, "language": "en", "subdivision": "",
        "condition": condition, "prompt": "a", "seed": 0, "draw": 0, "strength": 0.0, "object": "bowl", "name": "",
        "domain": "", "image": image,
    }  # fmt: skip


def set_study(plan: Any) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text()) | {"study": plan}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def tasks() -> list[Any]:
    plan_study.STAGE.execute()
    return study_tasks.TABLE.load(Path(study_tasks.PATH))


def result() -> Any:
    said.STAGE.execute()
    return study.load(Path(study.PATH))


def test_gold_is_a_real_picture_that_is_no_prompt_of_the_study(project: Path) -> None:
    found = tasks()
    assert {row["block"] for row in found} == {"01", "02"}
    gold = {name for row in found for name in row["real"] if name}
    assert gold and gold <= {f"{splits.TEST}0_jp_2", f"{splits.TEST}1_nl_2"}
    shown = {row["picture"] for row in study_tasks.SHOWN.load(Path(study_tasks.SHOWN_PATH))}
    assert shown == {row["picture"] for row in found}


def test_planning_and_reading_again_give_the_same_bytes() -> None:
    paths = [Path(study_tasks.PATH), Path(study_tasks.SHOWN_PATH), Path(study.PATH)]
    tasks(), result()
    before = [path.read_bytes() for path in paths]
    tasks(), result()
    assert [path.read_bytes() for path in paths] == before


def test_what_people_said_is_read_from_their_files(project: Path) -> None:
    assert tasks() and "annotate push --project study" in result()["reason"]
    lines: dict[str, list[Any]] = {"seats": [], "consent": []}
    for block, name in (("01", "ann"), ("02", "ben")):
        lines["seats"].append({"annotator": name, "block": block})
        lines["consent"].append({"task_id": "0" * 64, "annotator": name, "consents": True, "lived": ["jp"]})
        lines[block] = [
            {
                "task_id": row["task_id"],
                "annotator": name,
                "answer": ["jp" if row["kind"] == "scc" else "5"],
                "too_fast": False,
            }
            for row in tasks()
            if row["block"] == block
        ]
    for name, rows in lines.items():
        (Path(FOLDER) / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = result()
    assert found["participants"].keys() == {"ann", "ben"} and not found["scripted"]
    scc = found["everyone"]["scc"]["conditions"]
    assert {scc[name]["mean"]["value"] for name in CONDITIONS} == {0.5}  # one prompt of each region, always jp
    assert found["everyone"]["csr"]["conditions"]["noun"]["mean"]["value"] == 1


def test_scripts_answer_for_the_atlas_alone(project: Path) -> None:
    set_study({**PLAN, "people": 6, "scripted": {"judge": "tiny", "clickers": 1}})
    tasks()
    found = result()
    assert found["scripted"] and all(name.startswith("scripted-") for name in found["participants"])
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["models"]["atlas"]["adapter"] = "sdxl"
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    found = result()
    assert not found["scripted"] and not found["participants"]


def test_no_study_is_an_empty_plan_and_an_empty_result(project: Path) -> None:
    set_study({})
    assert tasks() == [] and result() == {}


def test_too_little_for_scripts_stops_nobodys_run_and_for_people_does(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {**PLAN, "groups": 5}
    set_study({**few, "scripted": {"judge": "tiny", "clickers": 1}})
    assert tasks() == [] and result() == {}
    assert "no study with scripted participants: params.yaml: study.prompts_per_region" in capsys.readouterr().out
    set_study(few)
    with pytest.raises(CultureBenchError, match=r"study\.prompts_per_region"):
        tasks()


def test_a_condition_without_pictures_stops_the_plan(project: Path) -> None:
    set_study({**PLAN, "seeds": [7]})
    with pytest.raises(
        CultureBenchError, match="no prompt has a picture under every one of noun, cultural with the seeds 7"
    ):
        tasks()
