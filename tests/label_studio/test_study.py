"""A study on a real server: sent through a kill, answered by people with accounts, and fetched through another."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from culturebench import cli
from culturebench.annotation.study import FOLDER, read_answers, read_consent, read_seats
from culturebench.artifacts import study_tasks
from culturebench.label_studio import study
from culturebench.label_studio.client import LabelStudioError, ServerTask
from culturebench.study.given import given, participants
from culturebench.takedown.forget import shown_in_study
from small_study import write_study
from studio import Expert, Fatal, Studio, choice

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]


def tasks_of(studio: Studio, title: str) -> list[ServerTask]:
    number = studio.server.project(title)
    return list(studio.server.tasks(number)) if number is not None else []


def chosen(kind: str, *names: str) -> dict[str, Any]:
    return {**choice(kind, ""), "value": {"choices": list(names)}}


def agree(studio: Studio, who: Expert, *lived: str) -> None:
    (task,) = tasks_of(studio, study.CONSENT_TITLE)
    more = [{**chosen("lived", *lived), "to_name": "text"}] if lived else []
    who.answer(task.number, {**choice("consents", "yes"), "to_name": "text"}, *more)


def test_a_study_end_to_end_killed_in_push_and_in_pull(
    studio: Studio, tmp_path: Path, experts: tuple[Expert, Expert], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "study"
    planned = write_study(root)
    with pytest.raises(LabelStudioError, match="run again"):
        study.push(root, studio.server, Fatal(studio, 2, 0.03))
    studio.restart()
    sent = study.push(root, studio.server, studio.place)
    assert sorted(sent) == ["01", "02", "03"] and not any(done.left_out or done.doubles for done in sent.values())
    assert all(done.created == 0 for done in study.push(root, studio.server, studio.place).values())
    for block in sent:
        own = [row["task_id"] for row in planned.tasks if row["block"] == block]
        found = sorted(tasks_of(studio, study.TITLE.format(block=block)), key=lambda task: task.number)
        assert [task.external_id for task in found] == own  # the server gives them out in this order

    agree(studio, experts[0], "jp")
    agree(studio, experts[1])
    study.pull(root, studio.server)
    seats = read_seats(root / FOLDER)
    assert sorted(seats.values()) == ["01", "02"]
    people = answer_all(studio, experts, seats)

    threading.Timer(0.05, studio.kill).start()
    with pytest.raises(LabelStudioError, match="run again"):
        pull_for_ever(root, studio)
    studio.restart()
    done = study.pull(root, studio.server)
    before = {path.name: path.read_bytes() for path in (root / FOLDER).iterdir()}
    assert all(one.new == one.changed == one.withdrawn == 0 for one in study.pull(root, studio.server).values())
    assert {path.name: path.read_bytes() for path in (root / FOLDER).iterdir()} == before
    assert not any(one.problems for one in done.values())

    every = study_tasks.TABLE.load(root / study_tasks.PATH)
    found = given(every, read_answers(root / FOLDER), seats, read_consent(root / FOLDER))
    assert found.set_aside == {"other_plan": 0, "other_block": 1, "no_consent": 0}
    own = sum(row["block"] in seats.values() for row in every)
    assert len(found.answers) == own and set(participants(found, 1)) == set(people)
    assert {answer.too_fast for answer in found.answers} == {False}
    assert sum(said.lived == ["jp"] for said in read_consent(root / FOLDER).values()) == 1
    written = b"".join(before.values()).decode()
    assert not [word for word in ("@", "lead_time", "created_at", "seconds") if word in written]

    monkeypatch.chdir(root)
    monkeypatch.setenv("CULTUREBENCH_LABEL_STUDIO", str(studio.home))
    told = CliRunner().invoke(cli.app, ["annotate", "status", "--project", "study"])
    assert told.exit_code == 0, told.output
    assert all(name in told.stdout for name in people) and "block 01, http" in told.stdout

    copies = shown_in_study(root, [name for row in planned.tasks for name in row["real"] if name][:1])
    assert copies and study.forget(root, studio.server, studio.place, copies) == len(copies)
    left = {task.external_id for block in sent for task in tasks_of(studio, study.TITLE.format(block=block))}
    assert left == {row["task_id"] for row in planned.tasks} - copies.keys()
    folder = Path(studio.entry.files) / "pictures"
    assert not [name for name in copies.values() if list(folder.glob(f"{name}.*"))]


def pull_for_ever(root: Path, studio: Studio) -> None:
    while True:
        study.pull(root, studio.server)


def answer_all(studio: Studio, experts: tuple[Expert, Expert], seats: dict[str, str]) -> list[str]:
    """Everybody answers their own block; the first person also one task of the other's. Returns their pseudonyms."""
    names = studio.server.people()
    mine = {names[who.ok(who.http.get("/api/current-user/whoami"))["id"]]: who for who in experts}
    assert set(mine) == set(seats)
    for name, who in mine.items():
        for task in tasks_of(studio, study.TITLE.format(block=seats[name])):
            kind = next(kind for kind in study_tasks.KINDS if task.data[kind])
            who.answer(task.number, chosen(kind, task.data[kind][0]["value"]))
    first, second = sorted(mine)
    stray = tasks_of(studio, study.TITLE.format(block=seats[second]))[0]
    mine[first].answer(stray.number, chosen("scc", stray.data["scc"][0]["value"]))
    return sorted(mine)
