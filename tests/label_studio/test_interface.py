"""The forms that experts fill in are those that a pull can read; what reaches the network is checked before."""

from __future__ import annotations

import http.client
import io
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from culturebench import cli
from culturebench.artifacts import candidates, grounded, splits
from culturebench.errors import CultureBenchError
from culturebench.label_studio import matches, questions, region as work
from culturebench.label_studio.client import LabelStudioError, Server
from culturebench.label_studio.interface import CONTROLS, read_interface
from culturebench.label_studio.pictures import showable
from culturebench.label_studio.webhook import HEADER, MOST, listen
from culturebench.reliability.matching import matchings
from culturebench.reliability.questions import choices_of
from studio_tables import ROOT, write_annotated, write_captioned, write_project, write_screened, write_test_split

FORMS = ROOT / "annotations/labeling"
SECRET = "a-secret-of-the-flows"


@pytest.mark.parametrize("form", CONTROLS)
def test_the_projects_own_forms_can_be_read(form: str):
    assert "View" in read_interface(FORMS / f"{form}.xml", form, {})


def test_the_regions_choices_are_filled_in_under_their_keys():
    choices = {"subdivision": {"ainu": 'Ainu · <アイヌ> & "文様"'}}
    root = ElementTree.fromstring(read_interface(FORMS / "pictures.xml", "pictures", choices))
    (found,) = root.findall(".//*[@name='subdivision']/Choice")
    assert (found.get("alias"), found.get("value")) == ("ainu", choices["subdivision"]["ainu"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('alias="reject"', 'alias="no"', "`verdict` offers keep, no; allowed: keep, reject"),
        ('name="confidence"', 'name="sure"', "its controls must be"),
        ("</View>", "", "no valid XML"),
    ],
)
def test_a_form_that_a_pull_could_not_read_is_refused(tmp_path: Path, old: str, new: str, says: str):
    path = tmp_path / "pictures.xml"
    path.write_text((FORMS / "pictures.xml").read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(LabelStudioError, match=says):
        read_interface(path, "pictures", {})


def test_tasks_say_nothing_that_would_sway_an_expert(tmp_path: Path):
    root = tmp_path / "project"
    names = write_project(root, 4, overlap=3)
    found = work.wanted_tasks(root, "jp", "pictures")
    assert [task.picture_id for task in found] == names
    assert {frozenset(task.data) for task in found} == {frozenset(("country", "origin"))}
    assert {task.overlap for task in found} == {3}
    write_annotated(root, names[:1], names[1:])
    assert [task.picture_id for task in work.wanted_tasks(root, "jp", "ties")] == names[:1]
    write_captioned(root, {names[2]: "和風の家"}, names[3:])
    (task,) = work.wanted_tasks(root, "jp", "captions")
    assert (task.picture_id, task.data["cultural"], task.data["language_name"]) == (names[2], "和風の家", "Japanese")


def test_a_task_says_by_which_rules_its_picture_was_nearly_dropped(tmp_path: Path):
    root = tmp_path / "project"
    names = write_project(root, 3)
    rows = candidates.TABLE.load(root / candidates.PATH.format(region="jp"))
    write_screened(root, rows, blurred=names[:2], odd=names[1:2])
    tasks = work.wanted_tasks(root, "jp", "pictures")
    said = [task.data["origin"].rpartition(" · ")[2] for task in tasks]
    assert said[:2] == ["check its blur", "check its blur, relevance"] and said[2].startswith("https://x.example/")
    params = (root / "params.yaml").read_text(encoding="utf-8")
    (root / "params.yaml").write_text(yaml.safe_dump({**yaml.safe_load(params), "relevance": []}), encoding="utf-8")
    tasks = work.wanted_tasks(root, "jp", "pictures")
    assert tasks[1].data["origin"].endswith("check its blur")


def test_two_experts_audit_a_caption_one_more_decides_between_them_and_one_writes_a_missing_one(tmp_path: Path):
    root = tmp_path / "project"
    first, split, none = write_project(root, 3)
    write_captioned(root, {first: "和風の家", split: "芸者", none: ""}, [])
    path = root / grounded.PATH.format(region="jp")
    rows = grounded.TABLE.load(path)
    for row in rows:
        if row["picture_id"] == split:
            row["reason"], row["audits"] = "audit_undecided", ["correct", "stereotype"]
    grounded.TABLE.save(path, rows)
    found = {task.picture_id: task.overlap for task in work.wanted_tasks(root, "jp", "captions")}
    assert found == {first: 2, split: 3, none: 1}


def test_matches_tell_neither_the_right_picture_nor_where_any_is_from_and_are_those_of_the_judges(tmp_path: Path):
    root = tmp_path / "project"
    write_project(root, 1, overlap=3)
    regions = ["jp", "nl", "ua", "tr", "cn"]
    known = write_test_split(root, 2, regions)
    rows = splits.TABLE.load_all(root / splits.TEST, regions, ("picture_id", "region", "group"))
    asked = {one.question_id: one for one in matchings(rows, regions, 2, 4, 0)}
    found = matches.wanted_tasks(root)
    assert [task.picture_id for task in found] == sorted(asked) and len(found) == 10
    assert {frozenset(task.data) for task in found} == {frozenset(("culture", "region", "options", "codes"))}
    for task in found:
        one = asked[task.picture_id]
        assert task.data["codes"].split(",") == list(one.pictures) and known[one.right] == task.data["region"]
        assert [option["value"] for option in task.data["options"]] == ["1", "2", "3", "4"] and task.overlap == 3


def test_questions_tell_neither_region_nor_origin_and_are_those_of_the_judges(tmp_path: Path):
    root = tmp_path / "project"
    write_project(root, 1, overlap=3)
    regions = ["jp", "nl", "ua", "tr", "cn"]
    asked = write_test_split(root, 2, regions)
    found = questions.wanted_tasks(root)
    assert [task.picture_id for task in found] == sorted(asked)  # ids are hashes: regions are mixed
    assert {frozenset(task.data) for task in found} == {frozenset(("options", "codes"))}
    for task in found:
        codes = task.data["codes"].split(",")
        row = {"picture_id": task.picture_id, "region": asked[task.picture_id]}
        assert codes == choices_of(row, regions, 4, 0) and asked[task.picture_id] in codes
        assert (len(task.data["options"]) == 4 and {"value": "Turkey"} in task.data["options"]) or "tr" not in codes


def test_an_overlap_that_could_decide_nothing_is_refused_before_anything_is_sent(tmp_path: Path):
    root = tmp_path / "project"
    write_project(root, 1, overlap=1)
    with pytest.raises(LabelStudioError, match=r"labeling\.overlap is 1, but annotate\.min_decisions is 2"):
        work.wanted_tasks(root, "jp", "pictures")


def test_a_region_without_tables_says_which_stage_makes_them(tmp_path: Path):
    root = tmp_path / "project"
    write_project(root, 1)
    with pytest.raises(CultureBenchError, match="dvc repro annotate"):
        work.wanted_tasks(root, "jp", "ties")


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://x", "http://", "http://me:secret@x.example"])
def test_an_address_that_is_none_is_refused(url: str):
    with pytest.raises(LabelStudioError, match="http") as caught:
        Server(url, "token")
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_sentence_without_the_token():
    with pytest.raises(LabelStudioError, match=r"no answer from http://127\.0\.0\.1:1 ") as caught:
        Server("http://127.0.0.1:1", "ab" * 20).check()
    assert "abab" not in str(caught.value)


def test_without_a_server_the_command_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CULTUREBENCH_LABEL_STUDIO", str(tmp_path / "none"))
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    result = CliRunner().invoke(cli.app, ["annotate", "push", "--region", "jp"])
    assert "culturebench annotate up" in str(result.exception)
    assert "No Label Studio" in CliRunner().invoke(cli.app, ["annotate", "down"]).stdout
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    result = CliRunner().invoke(cli.app, ["annotate", "pull", "--region", "jp"])
    assert "LABEL_STUDIO_API_KEY is not" in str(result.exception)
    assert CliRunner().invoke(cli.app, ["annotate", "pull", "--region", "jp", "--project", "x"]).exit_code == 2


def test_what_a_browser_cannot_show_becomes_png():
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(buffer, "TIFF")
    data, suffix = showable(buffer.getvalue())
    assert suffix == "png" and data.startswith(b"\x89PNG")
    assert showable(data) == (data, "png")


def test_a_webhook_is_a_hint_only_with_the_secret():
    hints: list[int] = []
    with listen(SECRET, lambda: hints.append(1)) as url:
        address = urlsplit(url).netloc

        def post(headers: dict[str, str], body: bytes = b"{}") -> int:
            connection = http.client.HTTPConnection(address, timeout=10)
            connection.request("POST", "/", body, headers)
            return connection.getresponse().status

        assert post({}) == post({HEADER: ""}) == post({HEADER: SECRET[:-1]}) == post({HEADER: SECRET + "x"}) == 403
        assert post({HEADER: SECRET, "Content-Length": str(MOST + 1)}, b"") == 413
        assert post({HEADER: SECRET, "Content-Length": "-1"}, b"") == 413
        assert hints == []
        assert post({HEADER.lower(): SECRET}, b'{"action": "PROJECT_DELETED"}') == 204
        assert hints == [1]
    assert not [thread for thread in threading.enumerate() if "serve_forever" in thread.name]
    with pytest.raises(CultureBenchError, match="16 characters"), listen("short", lambda: None):
        pass


def test_labeling_has_its_section_in_the_params():
    assert set(yaml.safe_load((ROOT / "params.yaml").read_text())["labeling"]) == {"overlap", "gold", "batch_size"}
