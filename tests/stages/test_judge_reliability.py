"""A judge beside people on real test pictures, as a stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts import answers, reliability, splits
from culturebench.errors import CultureBenchError
from stages import judge_reliability

PEOPLE, MATCHES = Path(judge_reliability.PEOPLE), Path(judge_reliability.MATCHES)


@pytest.fixture(autouse=True)
def pictures(project: Path) -> list[str]:
    """The test pictures' ids, as people's files have them: in the tiny project they are words."""
    ids: list[str] = []
    for region in ("jp", "nl"):
        path = project / splits.TEST / f"{region}.parquet"
        rows = splits.TABLE.load(path)
        for number, row in enumerate(rows):
            name = f"{region.encode().hex()}{number:060x}"
            row |= {"picture_id": name, "group": name, "scene": None}
            ids.append(row["picture_id"])
        splits.TABLE.save(path, rows)
    PEOPLE.parent.mkdir(exist_ok=True)
    PEOPLE.write_text("")
    MATCHES.write_text("")
    return ids


def change(**values: Any) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["judge_reliability"] |= values
    Path("params.yaml").write_text(yaml.safe_dump(params))


def asked(form: str = "regions") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    judge_reliability.STAGE.execute(judge="tiny")
    rows = answers.TABLE.load(Path(answers.REAL_PATH.format(judge="tiny")))
    own = [row for row in rows if row["condition"] == judge_reliability.CONDITIONS[form]]
    return own, reliability.load(Path(reliability.PATH.format(judge="tiny")))[form]


def test_the_judge_chooses_between_regions_alone_and_its_replies_are_kept() -> None:
    rows, found = asked()
    assert len(rows) == 4 and found["choices"] == [2]
    assert all(sorted(row["options"]) == ["jp", "nl"] and row["answer"] in row["options"] for row in rows)
    assert all(json.loads(row["raw"]) and row["served_model"].startswith("judge@") for row in rows)
    assert found["judge"]["value"] == sum(row["answer"] == row["region"] for row in rows) / 4
    assert found["people"] is None and "nobody has answered" in found["reason"]


def test_people_are_read_from_their_file(pictures: list[str]) -> None:
    lines = [
        {"picture_id": picture, "annotator": person, "answer": "jp", "options": ["nl", "jp"]}
        for picture in pictures
        for person in ("ann", "ben")
    ]
    PEOPLE.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, found = asked()
    assert (found["people"]["value"], found["people"]["pictures"], found["people"]["answers"]) == (0.5, 4, 8)
    assert found["annotators"]["ann"] == {"answers": 4, "right": 2}


def test_of_several_pictures_the_judge_takes_the_one_with_the_highest_score_of_the_region_named(
    pictures: list[str],
) -> None:
    change(pictures_per_region=3)
    rows, found = asked("pictures")
    alone = {row["prompt_id"]: json.loads(row["raw"]) for row in asked()[0]}
    assert len(rows) == 6 == found["judge"]["pictures"] and found["choices"] == [4]
    regions = {name: bytes.fromhex(name[:4]).decode() for name in pictures}
    for row in rows:
        scores = [alone[name][row["region"]] for name in row["options"]]
        assert json.loads(row["raw"]) == scores  # in the order shown
        assert row["answer"] == regions[row["options"][scores.index(max(scores))]]
        assert sum(regions[name] == row["region"] for name in row["options"]) == 1
    assert found["judge"]["value"] == pytest.approx(sum(row["answer"] == row["region"] for row in rows) / 6, abs=1e-6)
    assert found["people"] is None and "--project matches" in found["reason"]


def test_people_who_chose_a_picture_are_read_from_a_file_of_their_own(pictures: list[str]) -> None:
    rows, _ = asked("pictures")
    lines = [
        {"question_id": row["prompt_id"], "annotator": person, "region": row["region"], "options": row["options"],
         "answer": next(name for name in row["options"] if (name[:4] == row["region"].encode().hex()) == right)}
        for row in rows for person, right in (("ann", True), ("ben", False))
    ]  # fmt: skip
    MATCHES.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, found = asked("pictures")
    assert (found["people"]["value"], found["people"]["answers"]) == (0.5, 8)
    assert found["annotators"] == {"ann": {"answers": 4, "right": 4}, "ben": {"answers": 4, "right": 0}}


@pytest.mark.parametrize("form", ["pictures", "regions"])
def test_one_form_alone_can_be_asked(form: str) -> None:
    change(form=form)
    asked(form)
    assert list(reliability.load(Path(reliability.PATH.format(judge="tiny")))) == [form]
    rows = answers.TABLE.load(Path(answers.REAL_PATH.format(judge="tiny")))
    assert {row["condition"] for row in rows} == {judge_reliability.CONDITIONS[form]}


def test_a_line_that_cannot_be_an_answer_stops_the_stage_before_it_writes() -> None:
    PEOPLE.write_text("{}\n")
    with pytest.raises(CultureBenchError, match=r"annotations/answers\.jsonl:1"):
        asked()
    assert not Path(answers.REAL_PATH.format(judge="tiny")).exists()


def test_asking_again_gives_the_same_bytes() -> None:
    asked()
    paths = [Path(answers.REAL_PATH.format(judge="tiny")), Path(reliability.PATH.format(judge="tiny"))]
    before = [path.read_bytes() for path in paths]
    asked()
    assert [path.read_bytes() for path in paths] == before
