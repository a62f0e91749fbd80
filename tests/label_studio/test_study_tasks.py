"""What participants are sent, before it is sent; and what can be an answer."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from culturebench.annotation.lines import AnnotationError
from culturebench.annotation.study import CONSENT, SEATS, read_answers, read_consent, read_seats
from culturebench.conditions import CONDITIONS
from culturebench.label_studio import study
from culturebench.label_studio.answers import WrongAnswer
from culturebench.label_studio.client import LabelStudioError
from culturebench.label_studio.study_answers import consent_row, task_row
from culturebench.study.wording import INSTRUCTION, WELCOME
from import_graph import ROOT
from small_study import REGIONS, write_study

FORMS = ROOT / "annotations/labeling"
WORDS = sorted({record.name for record in CONDITIONS})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("study") / "project"
    write_study(
        found,
        conditions=("noun", "amplified", "masked", "cultural", "enhanced"),
        prompts_per_region={"scc": 5, "mcc": 1, "csr": 2},
    )
    return found


def test_no_byte_that_is_sent_tells_a_condition(root: Path) -> None:
    """Data of every task, the pictures with their names, both forms and all words around them."""
    sent = [
        json.dumps([task.picture_id, task.data], ensure_ascii=False).encode()
        for tasks in study.wanted_tasks(root).values()
        for task in tasks
    ]
    for block in study.wanted_tasks(root):
        rows = study._planned(root)[1][block]
        sent += [
            part
            for found in study._pictures(root, rows)({row["task_id"] for row in rows})
            for part in (found[1].encode(), found[2])
        ]
    forms = [(FORMS / f"{name}.xml").read_bytes() for name in (study.FORM, study.CONSENT_FORM)]
    titles = [title.encode() for title in (study.TITLE, study.CONSENT_TITLE, INSTRUCTION, WELCOME)]
    every = [*sent, *forms, *titles]
    assert len(sent) > 100
    for word in (*WORDS, "prompt", "lambda"):
        assert not [data for data in every if word.encode() in data.lower()], word


def test_which_culture_names_no_country_but_among_all_choices_and_asks_for_one_kind_alone(root: Path) -> None:
    for tasks in study.wanted_tasks(root).values():
        for task in tasks:
            asked = [kind for kind in ("scc", "mcc", "csr") if task.data[kind]]
            assert len(asked) == 1
            if asked == ["scc"]:
                names = {option["value"] for option in task.data["scc"]}
                assert names == {"Japan", "Netherlands", "Ukraine", "Uncertain"}
                assert not any(name in task.data["question"] for name in names - {"Uncertain"})


def answer(kind: str, *chosen: str, seconds: float = 4.0) -> dict[str, Any]:
    value = {"from_name": kind, "to_name": "image", "type": "choices", "value": {"choices": list(chosen)}}
    return {"result": [value], "lead_time": seconds}


DATA = {
    "scc": {"scc": [{"value": "Japan"}, {"value": "Uncertain"}], "mcc": [], "csr": [], "codes": "jp,uncertain"},
    "csr": {"scc": [], "mcc": [], "csr": [{"value": "4"}, {"value": "5"}], "codes": "4,5"},
    "mcc": {"scc": [], "mcc": [{"value": name} for name in ("A", "B", "None of them")], "csr": [], "codes": "A,B,none"},
}
read = partial(task_row, 1.0, "f" * 64, "ann")


def test_an_answer_keeps_of_its_time_only_whether_it_came_too_fast() -> None:
    assert read(answer("scc", "Japan"), DATA["scc"]) == {
        "task_id": "f" * 64,
        "annotator": "ann",
        "answer": ["jp"],
        "too_fast": False,
        "stereotype": "",
    }
    assert read(answer("mcc", "B", "A", seconds=0.9), DATA["mcc"]) == {
        "task_id": "f" * 64,
        "annotator": "ann",
        "answer": ["A", "B"],
        "too_fast": True,
        "stereotype": "",
    }


def also(annotation: dict[str, Any], *chosen: str) -> dict[str, Any]:
    return {**annotation, "result": [*annotation["result"], *answer("stereotype", *chosen)["result"]]}


def test_a_rating_comes_with_whether_the_picture_is_a_stereotype_and_without_it_counts_as_well() -> None:
    assert read(also(answer("csr", "4"), "yes"), DATA["csr"])["stereotype"] == "yes"
    assert read(answer("csr", "4"), DATA["csr"])["stereotype"] == ""
    for kind, wrong in (("csr", ("yes", "no")), ("csr", ("maybe",)), ("scc", ("yes",))):
        with pytest.raises(WrongAnswer, match="stereotype"):
            read(also(answer(kind, "4" if kind == "csr" else "Japan"), *wrong), DATA[kind])


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        ("scc", {"result": []}),
        ("scc", answer("mcc", "Japan")),
        ("scc", answer("scc", "Japan", "Uncertain")),
        ("scc", answer("scc", "Netherlands")),
        ("mcc", answer("mcc", "A", "None of them")),
        ("mcc", answer("mcc")),
        ("mcc", {"result": "A"}),
    ],
)
def test_what_the_task_did_not_offer_is_no_answer(kind: str, annotation: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        read(annotation, DATA[kind])


def test_consent_says_yes_or_no_and_regions_of_the_form() -> None:
    consent = partial(consent_row, REGIONS, "f" * 64, "ann")
    lived = answer("lived", "ua", "jp")["result"]
    assert consent({"result": [*answer("consents", "yes")["result"], *lived]}, {}) == {
        "task_id": "f" * 64, "annotator": "ann", "consents": True, "lived": ["jp", "ua"],
    }  # fmt: skip
    assert consent(answer("consents", "no"), {})["consents"] is False
    for wrong in (
        {"result": lived},
        answer("consents", "maybe"),
        {"result": [*answer("consents", "yes")["result"], *answer("lived", "xx")["result"]]},
    ):
        with pytest.raises(WrongAnswer):
            consent(wrong, {})


def test_who_consents_gets_the_emptiest_block_and_keeps_it(tmp_path: Path) -> None:
    def consented(*people: tuple[str, bool]) -> None:
        lines = [{"task_id": "0" * 64, "annotator": name, "consents": yes, "lived": []} for name, yes in people]
        (tmp_path / CONSENT).write_text("".join(json.dumps(line) + "\n" for line in lines))

    consented(("ben", True), ("cem", False))
    assert study.seat(tmp_path, ["01", "02"]) == {"ben": "01"}
    consented(("ann", True), ("ben", True), ("cem", False), ("dai", True), ("eli", True))
    assert study.seat(tmp_path, ["01", "02"]) == {"ben": "01", "ann": "02", "dai": "01", "eli": "02"}
    before = (tmp_path / SEATS).read_bytes()
    study.seat(tmp_path, ["01", "02"])
    assert (tmp_path / SEATS).read_bytes() == before and read_seats(tmp_path)["ann"] == "02"


def test_a_pull_that_brings_nothing_makes_no_file(tmp_path: Path) -> None:
    assert study.seat(tmp_path, ["01"]) == {} and not list(tmp_path.iterdir())


def test_two_versions_of_the_form_need_consent_to_both(tmp_path: Path) -> None:
    lines = [
        {"task_id": digit * 64, "annotator": "ann", "consents": digit == "1", "lived": [code]}
        for digit, code in (("1", "jp"), ("2", "nl"))
    ]
    (tmp_path / CONSENT).write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_consent(tmp_path)["ann"]
    assert not found.consents and found.lived == ["jp", "nl"]


def test_a_wrong_or_second_line_is_named(tmp_path: Path) -> None:
    line = json.dumps({"task_id": "a" * 64, "annotator": "ann", "answer": ["jp"], "too_fast": False}) + "\n"
    (tmp_path / "01.jsonl").write_text(2 * line)
    with pytest.raises(AnnotationError, match=r"01\.jsonl:2: ann stands in line 1"):
        read_answers(tmp_path)
    (tmp_path / "01.jsonl").write_text(line.replace("false", '"maybe"'))
    with pytest.raises(AnnotationError, match=r"01\.jsonl:1: .*too_fast"):
        read_answers(tmp_path)


def test_without_a_plan_there_is_nothing_to_send(root: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((root / "params.yaml").read_text().partition("\nstudy:")[0] + "\nstudy: {}\n")
    with pytest.raises(LabelStudioError, match="`study` plans none"):
        study.wanted_tasks(tmp_path)
