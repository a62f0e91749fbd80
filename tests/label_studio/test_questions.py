"""The judge's questions, answered by people on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from culturebench import cli
from culturebench.annotation.choices import read_choices
from culturebench.annotation.matches import read_matches
from culturebench.label_studio import matches, questions, region as work
from culturebench.label_studio.progress import Progress
from studio import Expert, Studio, choice
from studio_tables import write_test_split

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]


def test_people_answer_the_judges_questions_on_pictures_of_all_regions_in_one_project(
    studio: Studio, root: Path, experts: tuple[Expert, Expert], monkeypatch: pytest.MonkeyPatch
):
    asked = write_test_split(root, 2, ["jp", "nl", "ua", "tr", "cn"])
    assert questions.progress(root, studio.server) == Progress(0, 0, 0, 0, to_send=10)
    assert questions.push(root, studio.server, studio.place).created == 10
    assert questions.push(root, studio.server, studio.place).present == 10
    project = studio.server.project(questions.TITLE)
    assert project is not None
    names = {"jp": "Japan", "nl": "Netherlands", "ua": "Ukraine", "tr": "Turkey", "cn": "China"}
    for task in studio.server.tasks(project):
        assert not task.data.keys() & {"region", "country", "origin"}
        experts[0].answer(task.number, choice("answer", names[asked[task.external_id]]))
        wrong = next(one["value"] for one in task.data["options"] if one["value"] != names[asked[task.external_id]])
        experts[1].answer(task.number, choice("answer", wrong))
    assert questions.progress(root, studio.server) == Progress(10, 10, 10, answers=20, to_send=0)
    assert "questions (all regions) 10 10 10 20 0" in status(studio, root, monkeypatch)
    assert questions.pull(root, studio.server).new == 20
    before = (root / questions.ANSWERS).read_bytes()
    found = read_choices(root / questions.ANSWERS)
    right = [one for one in found if one.answer == asked[one.picture_id]]
    assert len(found) == 20 and len(right) == 10 and len({one.annotator for one in right}) == 1
    assert questions.pull(root, studio.server).new == 0 and (root / questions.ANSWERS).read_bytes() == before
    assert work.forget(studio.server, studio.place, ["jp"], {found[0].picture_id: ""}) == 1


def test_people_choose_one_of_four_real_pictures_in_a_grid(
    studio: Studio, root: Path, experts: tuple[Expert, Expert], monkeypatch: pytest.MonkeyPatch
):
    regions = write_test_split(root, 3, ["jp", "nl", "ua", "tr", "cn"])
    assert matches.push(root, studio.server, studio.place).created == 15
    assert matches.push(root, studio.server, studio.place).present == 15
    project = studio.server.project(matches.TITLE)
    assert project is not None
    names = {"jp": "Japan", "nl": "Netherlands", "ua": "Ukraine", "tr": "Turkey", "cn": "China"}
    for task in studio.server.tasks(project):
        shown = task.data["codes"].split(",")
        (right,) = [name for name in shown if regions.get(name) == task.data["region"]]
        assert task.data["culture"] == names[task.data["region"]] and len(shown) == 4
        assert task.external_id not in regions and "local-files" in task.data["image"]
        experts[0].answer(task.number, choice("answer", str(shown.index(right) + 1)))
        experts[1].answer(task.number, choice("answer", "5"))  # no such picture
    assert "matches (all regions) 15 15 15 30 0" in status(studio, root, monkeypatch)
    pulled = matches.pull(root, studio.server)
    assert pulled.new == 15 and len(pulled.problems) == 15
    found = read_matches(root / matches.ANSWERS)
    assert all(regions[one.answer] == one.region for one in found)
    before = (root / matches.ANSWERS).read_bytes()
    assert matches.pull(root, studio.server).new == 0 and (root / matches.ANSWERS).read_bytes() == before
    gone = found[0].answer
    holding = sum(gone in one.options for one in found)
    folder = Path(studio.entry.files) / "pictures"
    files = len(list(folder.iterdir()))
    assert work.forget(studio.server, studio.place, ["jp"], {gone: ""}) == holding
    assert len(list(folder.iterdir())) == files - holding


def status(studio: Studio, root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `culturebench annotate status` prints there, each gap as one space."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("CULTUREBENCH_LABEL_STUDIO", str(studio.home))
    result = CliRunner().invoke(cli.app, ["annotate", "status", "--region", "jp"])
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())
