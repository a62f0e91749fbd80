"""What a participant of the study sees in a real Chromium."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chromium import Page, browse
from culturebench.annotation.study import FOLDER, read_answers
from culturebench.label_studio import study
from culturebench.label_studio.client import ServerTask
from small_study import write_study
from studio import Expert, Studio
from studio_pages import SUBMIT, enter, wait_for, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]


def names(page: Page) -> list[str]:
    """Of the form's inputs, in their order."""
    return page.evaluate("[...document.querySelectorAll('input[name]')].map(input => input.name)")


def test_a_task_offers_the_choices_of_its_kind_alone_and_no_empty_form_is_taken(
    studio: Studio, experts: tuple[Expert, Expert], tmp_path: Path
) -> None:
    root = tmp_path / "study"
    write_study(root)
    study.push(root, studio.server, studio.place)
    project = studio.server.project(study.TITLE.format(block="01"))
    assert project is not None
    tasks = {
        next(kind for kind in ("scc", "mcc", "csr") if task.data[kind]): task for task in studio.server.tasks(project)
    }
    with browse(tmp_path / "profile") as page:
        enter(page, studio, experts[0])
        for kind, task in sorted(tasks.items()):
            answer(page, studio, project, task, kind)
            (tmp_path / f"{kind}.png").write_bytes(page.screenshot())
    study.pull(root, studio.server)
    every = read_answers(root / FOLDER)["01"]
    assert [one.stereotype for one in every if one.answer == ["1"]] == ["no"]
    assert sum(bool(one.stereotype) for one in every) == 1
    found = {one.task_id: one.answer for one in every}
    assert found == {
        task.external_id: task.data["codes"].split(",")[: 2 if kind == "mcc" else 1] for kind, task in tasks.items()
    }


#: Chooses what is not chosen yet, and submits once nothing is left: the form is drawn anew while it loads.
CHOOSE = """
(names => {
  const inputs = names.map(name => [...document.querySelectorAll('input[name]')].find(i => i.name.startsWith(name)))
  const left = inputs.filter(input => !input?.checked)
  left[0]?.click()
  if (!left.length) %s?.click()
})
"""


def answer(page: Page, studio: Studio, project: int, task: ServerTask, kind: str) -> None:
    """See that nothing can be submitted yet; then choose the first option, of a grid the first two, and submit."""
    offered = [option["value"] for option in task.data[kind]]
    page.open(f"{studio.entry.url}/projects/{project}/data?task={task.number}")
    wait_until(lambda: [name for given in names(page) for name in offered if given.startswith(name)] == offered)
    wait_for(page, "[...document.images].some(i => i.src.includes('local-files') && i.naturalWidth > 1)")
    wait_for(page, f"{SUBMIT}?.disabled")
    chosen = json.dumps([*offered[: 2 if kind == "mcc" else 1], *(["No, one may"] if kind == "csr" else [])])

    def submitted() -> bool:
        page.evaluate(f"{CHOOSE % SUBMIT}({chosen})")
        return given(studio, project, task)

    wait_until(submitted)


def given(studio: Studio, project: int, task: ServerTask) -> bool:
    return any(one.annotations for one in studio.server.tasks(project) if one.number == task.number)
