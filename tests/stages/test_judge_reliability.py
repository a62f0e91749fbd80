"""A judge beside people on real test pictures, as a stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from culturebench.artifacts import answers, reliability, splits
from culturebench.errors import CultureBenchError
from stages import judge_reliability

PEOPLE = Path(judge_reliability.PEOPLE)


@pytest.fixture(autouse=True)
def pictures(project: Path) -> list[str]:
    """The test pictures' ids, as people's files have them: in the tiny project they are words."""
    ids: list[str] = []
    for region in ("jp", "nl"):
        path = project / splits.TEST / f"{region}.parquet"
        rows = splits.TABLE.load(path)
        for number, row in enumerate(rows):
            row |= {"picture_id": f"{region.encode().hex()}{number:060x}", "scene": None}
            ids.append(row["picture_id"])
        splits.TABLE.save(path, rows)
    PEOPLE.parent.mkdir(exist_ok=True)
    PEOPLE.write_text("")
    return ids


def asked() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    judge_reliability.STAGE.execute(judge="tiny")
    rows = answers.TABLE.load(Path(answers.REAL_PATH.format(judge="tiny")))
    return rows, reliability.load(Path(reliability.PATH.format(judge="tiny")))


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
