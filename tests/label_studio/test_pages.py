"""What an expert sees and clicks in a real Chromium comes back as their answer."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from chromium import Page, browse
from culturebench.annotation.choices import read_choices
from culturebench.annotation.decisions import read_decisions
from culturebench.artifacts import candidates
from culturebench.errors import plain
from culturebench.label_studio import questions, region as work
from hostile_corpus import TEXTS
from studio import Expert, Studio, project_of
from studio_pages import SUBMIT, click, enter, wait_for, wait_until
from studio_tables import write_test_split

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]

#: Chooses what is not chosen yet; true when nothing was left to choose. The form is drawn anew while it loads, and
#: forgets what was chosen before.
CHOOSE = """
() => {
  const inputs = ['Reject', 'Stereotype', 'clothing'].map(name => document.querySelector(`input[name^="${name}"]`))
  const star = document.querySelector('.ant-rate-star:nth-child(5)')
  const left = inputs.filter(input => !input?.checked)
  left[0]?.click()
  const rated = star?.classList.contains('ant-rate-star-full')
  if (!rated) star?.querySelector('[role=radio]').click()
  return !left.length && rated
}
"""


def test_a_picture_is_judged_in_the_page_that_an_expert_sees(
    studio: Studio, root: Path, sent: dict[str, int], experts: tuple[Expert, Expert], tmp_path: Path
):
    project = project_of(studio)
    name, number = min(sent.items())
    with browse(tmp_path / "profile") as page:
        enter(page, studio, experts[1])
        page.open(f"{studio.entry.url}/projects/{project}/data?task={number}")
        wait_for(page, "!!document.querySelector('input[name=Keep]')")
        wait_for(page, "[...document.images].some(i => i.src.includes('local-files') && i.naturalWidth === 64)")
        click(page, 'input[name="Keep"]')
        wait_for(page, f"({CHOOSE})()")
        shot = page.screenshot()
        (tmp_path / "label_studio.png").write_bytes(shot)
        assert "culture of Japan" in page.evaluate("document.body.innerText")
        assert "A. <b>Painter</b>" in page.evaluate("document.body.innerText")
        wait_for(page, f"({CHOOSE})() && !!{SUBMIT} && ({SUBMIT}.click(), true)")
        wait_until(lambda: any(task.number == number and task.annotations for task in studio.server.tasks(project)))
    with Image.open(io.BytesIO(shot)) as image:
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24) or []) > 200
    work.pull(root, studio.server, "jp")
    (decision,) = read_decisions(root / "annotations/decisions/jp.jsonl", ["seigaiha"])[name]
    assert (decision.verdict, decision.reason, decision.category, decision.confidence) == (
        "reject", "stereotype", "clothing", 5,
    )  # fmt: skip


def names(page: Page) -> list[str]:
    """Of the form's inputs, in their order."""
    return page.evaluate("[...document.querySelectorAll('input[name]')].map(input => input.name)")


def test_a_question_offers_its_regions_in_the_page_that_an_expert_sees(
    studio: Studio, root: Path, experts: tuple[Expert, Expert], tmp_path: Path
):
    write_test_split(root, 1, ["jp", "nl", "ua", "tr", "cn"])
    questions.push(root, studio.server, studio.place)
    project = studio.server.project(questions.TITLE)
    assert project is not None
    task = min(studio.server.tasks(project), key=lambda one: one.external_id)
    offered = [option["value"] for option in task.data["options"]]
    with browse(tmp_path / "profile") as page:
        enter(page, studio, experts[0])
        page.open(f"{studio.entry.url}/projects/{project}/data?task={task.number}")
        chosen = f"document.querySelector('input[name^=\"{offered[1]}\"]')"
        wait_for(page, f"!!{chosen}")
        wait_for(page, "[...document.images].some(i => i.src.includes('local-files') && i.naturalWidth > 1)")
        # The form alone, which is drawn anew while it loads: the list of tasks beside it may show others' regions, too.
        wait_until(lambda: [name for given in names(page) for name in offered if given.startswith(name)] == offered)
        wait_for(page, f"{chosen}?.checked || ({chosen}?.click(), false)")
        wait_for(page, f"{chosen}?.checked && !!{SUBMIT} && ({SUBMIT}.click(), true)")
        wait_until(lambda: any(one.annotations for one in studio.server.tasks(project)))
    questions.pull(root, studio.server)
    (found,) = read_choices(root / questions.ANSWERS)
    assert (found.picture_id, found.options) == (task.external_id, task.data["codes"].split(","))
    assert found.answer == found.options[1]


INSTRUCTIONS = "[...document.querySelectorAll('button')].find(button => button.innerText === 'Instructions')"
OWNED = '<img src=x onerror="window.owned=1"><b>$image</b>'


def test_what_strangers_and_region_files_say_is_text_in_the_page_that_an_expert_sees(
    studio: Studio, root: Path, experts: tuple[Expert, Expert], tmp_path: Path
):
    region, form = root / "annotations/regions/jp.yaml", root / "annotations/labeling/pictures.xml"
    document = yaml.safe_load(region.read_text(encoding="utf-8"))
    (key, *_) = document["subdivisions"]
    document["subdivisions"][key] |= {"name": OWNED, "local_name": "\x1b[2J\x00"}
    region.write_text(yaml.safe_dump({**document, "country": OWNED, "notes": OWNED}), encoding="utf-8")
    form.write_text(form.read_text(encoding="utf-8").replace(' layout="select"', ""), encoding="utf-8")
    hostile = " ".join(word for text in (OWNED, *TEXTS) if len(text) < 1000 for word in plain(text).split())
    path = root / "data/candidates/jp.parquet"
    rows: list[Any] = [{**row, "author": hostile} for row in candidates.TABLE.load(path)]
    candidates.TABLE.save(path, rows)
    work.push(root, studio.server, studio.place, "jp")
    number = min(task.number for task in studio.server.tasks(project_of(studio)))
    with browse(tmp_path / "profile") as page:
        enter(page, studio, experts[1])
        page.open(f"{studio.entry.url}/projects/{project_of(studio)}/data?task={number}")
        click(page, 'input[name="Keep"]')
        chosen = json.dumps(OWNED.replace("$", "＄"))
        wait_for(page, f"[...document.querySelectorAll('input[name]')].some(i => i.name.startsWith({chosen}))")
        wait_for(page, f"!!{INSTRUCTIONS} && ({INSTRUCTIONS}.click(), true)")
        wait_for(page, f"document.body.innerText.includes('the notes of the region: ' + {json.dumps(OWNED)})")
        seen = " ".join(str(page.evaluate("document.body.innerText")).split())
        assert page.evaluate("[window.owned ?? 0, document.querySelectorAll('img[src=x]').length]") == [0, 0]
    assert f"culture of {OWNED} as" in seen and hostile in seen
