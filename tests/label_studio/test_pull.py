"""Decisions from a real server: none is lost or written twice, whatever is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from culturebench.annotation.decisions import read_decisions
from culturebench.label_studio import client, region as work
from culturebench.label_studio.client import LabelStudioError, Server, ServerTask
from studio import KEEP, REJECT, Expert, Studio, choice, sure, tasks
from studio_tables import write_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]

ANSWERED = 20


class Falling(Server):
    """It is killed while its tasks are being read, a page at a time."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.entry.url, studio.entry.token)
        self._studio = studio

    def tasks(self, project: int) -> Iterator[ServerTask]:
        for place, task in enumerate(super().tasks(project)):
            if place == 1:
                self._studio.kill()
            yield task


def test_answers_of_both_come_back_once_each_and_a_kill_during_the_pull_changes_nothing(
    studio: Studio, experts: tuple[Expert, Expert], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "project"
    path = root / "annotations/decisions/jp.jsonl"
    *chosen, skipped = write_project(root, ANSWERED + 1)
    work.push(root, studio.server, studio.place, "jp")
    numbers = {name: number for name, (number,) in tasks(studio).items()}
    for name in chosen:
        experts[0].answer(numbers[name], *KEEP)
        experts[1].answer(numbers[name], *(KEEP if name in chosen[10:] else REJECT))
    changed = chosen[-1]
    experts[0].answer(numbers[changed], *REJECT)
    experts[1].answer(numbers[skipped], was_cancelled=True)
    experts[1].answer(numbers[skipped], choice("verdict", "perhaps"), sure(3))
    experts[1].answer(numbers[skipped], *KEEP, {**choice("mood", "fine")})

    monkeypatch.setattr(client, "PAGE", 5)
    with pytest.raises(LabelStudioError, match="run again"):
        work.pull(root, Falling(studio), "jp")
    assert not path.exists()
    studio.restart()

    done = work.pull(root, studio.server, "jp")
    decisions = read_decisions(path, ["seigaiha"])
    assert done.new == done.lines == 2 * ANSWERED
    assert set(chosen) == set(decisions)
    assert [d.verdict for d in decisions[chosen[0]]].count("reject") == 1
    assert sorted(d.verdict for d in decisions[changed]) == ["keep", "reject"]
    assert len(done.problems) == 2 and all("task" in problem for problem in done.problems)
    raw = path.read_text()
    assert "@" not in raw and "lead" not in raw and "time" not in raw
    assert len({d.annotator for each in decisions.values() for d in each}) == 2
    before = path.stat()
    assert work.pull(root, studio.server, "jp").changed == 0
    assert path.read_text() == raw and path.stat().st_mtime_ns == before.st_mtime_ns
    assert work.progress(root, studio.server, "jp").answers == 2 * ANSWERED + 1


def test_a_later_skip_takes_an_answer_back_and_an_answer_a_skip(
    studio: Studio, root: Path, sent: dict[str, int], experts: tuple[Expert, Expert]
):
    path = root / "annotations/decisions/jp.jsonl"
    (first, task), (second, other), (third, relabelled) = sorted(sent.items())[:3]
    experts[0].answer(task, *KEEP)
    experts[0].answer(other, was_cancelled=True)
    number = experts[0].answer(relabelled, *KEEP)
    assert work.pull(root, studio.server, "jp").new == 2
    experts[0].answer(task, was_cancelled=True)
    experts[0].answer(other, *KEEP)
    changed = [*KEEP[1:], choice("verdict", "reject"), choice("reason", "privacy")]
    assert experts[0].http.patch(f"/api/annotations/{number}/", json={"result": changed}).is_success
    done = work.pull(root, studio.server, "jp")
    assert (done.new, done.withdrawn, done.changed, done.problems) == (1, 1, 1, ())
    decisions = read_decisions(path, ["seigaiha"])
    assert first not in decisions and decisions[second][0].verdict == "keep"
    assert (decisions[third][0].verdict, decisions[third][0].subdivision) == ("reject", "")


def test_a_withdrawn_answer_leaves_and_lines_of_others_stay(
    studio: Studio, root: Path, sent: dict[str, int], experts: tuple[Expert, Expert]
):
    path = root / "annotations/decisions/jp.jsonl"
    stranger = {"picture_id": "f" * 64, "annotator": "by letter", "verdict": "keep"}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(stranger) + "\n")
    name, task = min(sent.items())
    number = experts[0].answer(task, *KEEP)
    assert work.pull(root, studio.server, "jp").new == 1
    assert experts[0].http.delete(f"/api/annotations/{number}/").is_success
    assert work.pull(root, studio.server, "jp").withdrawn == 1
    decisions = read_decisions(path, ["seigaiha"])
    assert name not in decisions and decisions["f" * 64][0].annotator == "by letter"
