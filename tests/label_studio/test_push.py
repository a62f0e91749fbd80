"""Tasks on a real server: none is sent twice, whatever is killed, and each reaches the people it is for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from culturebench.annotation.decisions import read_decisions
from culturebench.label_studio import region as work
from culturebench.label_studio.client import LabelStudioError
from studio import KEEP, REJECT, Expert, Fatal, Studio, project_of, tasks
from studio_tables import write_annotated, write_gold, write_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]

PICTURES = 2000


def test_a_push_through_two_kills_sends_every_picture_once(studio: Studio, tmp_path: Path):
    root = tmp_path / "big"
    write_gold(root, write_project(root, PICTURES, gold=3)[:5])
    for batch, seconds in ((4, 0.03), (3, 0.15)):
        with pytest.raises(LabelStudioError, match="run again"):
            work.push(root, studio.server, Fatal(studio, batch, seconds), "jp")
        studio.restart()
    there = len(tasks(studio))
    assert 0 < there < PICTURES
    done = work.push(root, studio.server, studio.place, "jp")
    assert (done.created, done.present, done.left_out) == (PICTURES - there, there, {})
    assert Counter(map(len, tasks(studio).values())) == {1: PICTURES}
    again = work.push(root, studio.server, studio.place, "jp")
    assert (again.created, again.present, again.renewed, again.doubles) == (0, PICTURES, 0, 0)
    overlaps = Counter(task.overlap for task in studio.server.tasks(project_of(studio)))
    assert overlaps == {100: 3, 2: PICTURES - 3}


def test_known_pictures_wait_for_every_expert_and_look_like_all_others(studio: Studio, sent: dict[str, int]):
    found = list(studio.server.tasks(project_of(studio)))
    assert Counter(task.overlap for task in found) == {100: 3, 2: len(sent) - 3}
    assert {frozenset(task.data) for task in found} == {frozenset(("external_id", "image", "country", "origin"))}
    assert not any("predictions" in task.data for task in found)


def test_pictures_are_shown_to_members_and_to_nobody_else(
    studio: Studio, sent: dict[str, int], experts: tuple[Expert, Expert]
):
    url = next(studio.server.tasks(project_of(studio))).data["image"]
    assert experts[0].http.get(url).headers["content-type"] == "image/png"
    assert experts[0].http.get(url, headers={"Authorization": ""}).status_code == 401


def test_a_second_task_that_nobody_touched_leaves_and_one_with_an_answer_stays(
    studio: Studio, root: Path, sent: dict[str, int], experts: tuple[Expert, Expert]
):
    project = project_of(studio)
    first, second = list(studio.server.tasks(project))[:2]
    studio.server.add_tasks(project, [first.data, second.data])
    double = max(tasks(studio)[second.external_id])
    experts[0].answer(double, *KEEP)
    assert work.push(root, studio.server, studio.place, "jp").doubles == 2
    assert tasks(studio)[first.external_id] == [first.number]
    assert tasks(studio)[second.external_id] == [double]
    assert work.pull(root, studio.server, "jp").new == 1


def test_ties_go_to_one_more_expert_and_nothing_else_does(
    studio: Studio, root: Path, sent: dict[str, int], experts: tuple[Expert, Expert]
):
    tied, decided = sorted(sent)[:3], sorted(sent)[3:]
    for name in tied:
        experts[0].answer(sent[name], *KEEP)
        experts[1].answer(sent[name], *REJECT)
    write_annotated(root, tied, decided)
    assert work.push(root, studio.server, studio.place, "jp", "ties").created == 3
    found = tasks(studio, "ties")
    assert sorted(found) == tied
    third = studio.expert("ines")
    third.answer(found[tied[0]][0], *REJECT)
    work.pull(root, studio.server, "jp", "ties")
    decisions = read_decisions(root / "annotations/decisions/jp.jsonl", ["seigaiha"])
    assert [d.verdict for d in decisions[tied[0]]].count("reject") == 2


def test_a_picture_that_must_go_leaves_with_its_tasks_and_its_file(studio: Studio, root: Path, sent: dict[str, int]):
    name, *others = sorted(sent)
    write_annotated(root, [name], others)
    assert work.push(root, studio.server, studio.place, "jp", "ties").created == 1
    assert work.forget(studio.server, studio.place, ["jp"], {name: name}) == 2
    assert sorted(tasks(studio)) == others and tasks(studio, "ties") == {}
    assert not list((Path(studio.entry.files) / "pictures").glob(f"{name}*"))
