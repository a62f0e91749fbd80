"""A real Label Studio with two real users: nothing is sent twice, and no decision is lost, whatever is killed."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from PIL import Image
from platformdirs import user_cache_dir

from chromium import Page, browse
from culturebench.annotation.choices import read_choices
from culturebench.annotation.decisions import read_decisions
from culturebench.captions.human import read_human_captions
from culturebench.label_studio import client, local, questions, region as work
from culturebench.label_studio.client import LabelStudioError, Server, ServerTask
from culturebench.label_studio.pictures import Served, Uploaded
from culturebench.label_studio.webhook import HEADER, listen
from studio import (
    KEEP,
    REJECT,
    Expert,
    Studio,
    choice,
    mark,
    sure,
    text,
    write_annotated,
    write_captioned,
    write_project,
    write_test_split,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]

PICTURES = 2000
FEW = 12
ANSWERED = 20
SECRET = "a-secret-of-the-flows"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    binaries = local.install(Path(user_cache_dir("culturebench")))
    started = Studio.fresh(tmp_path_factory.mktemp("studio") / "home", binaries)
    yield started
    local.stop(started.home)


@pytest.fixture(scope="module")
def experts(server: Studio) -> tuple[Expert, Expert]:
    return server.expert("ai"), server.expert("emre")


@pytest.fixture
def studio(server: Studio) -> Studio:
    """It runs and holds no project: nothing depends on what another test has left there."""
    if not local.running(server.home):
        server.restart()
    server.empty()
    return server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a few pictures, three of them with a known answer."""
    found = tmp_path / "project"
    know(found, write_project(found, FEW, gold=3)[:5])
    return found


@pytest.fixture
def sent(studio: Studio, root: Path) -> dict[str, int]:
    """Its tasks on the server: picture id -> number."""
    assert work.push(root, studio.server, studio.place, "jp").created == FEW
    return {name: number for name, (number,) in tasks(studio).items()}


def know(root: Path, names: list[str]) -> None:
    """These pictures get a known answer."""
    lines = [json.dumps({"picture_id": name, "verdict": "keep"}) for name in names]
    (root / "annotations/gold").mkdir()
    (root / "annotations/gold/jp.jsonl").write_text("\n".join(lines))


class Fatal(Served):
    """Pictures arrive, and a moment after the n-th batch the server is killed, while tasks are being made."""

    def __init__(self, studio: Studio, batch: int, seconds: float) -> None:
        super().__init__(studio.server, Path(studio.entry.files))
        self._studio, self._left, self._seconds = studio, batch, seconds

    def put(self, project: int, pictures: Iterable[tuple[str, bytes]]) -> Mapping[str, str]:
        urls = super().put(project, pictures)
        self._left -= 1
        if self._left == 0:
            threading.Timer(self._seconds, self._studio.kill).start()
        return urls


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


def tasks(studio: Studio, kind: work.Kind = "pictures") -> dict[str, list[int]]:
    """Picture id -> the numbers of its tasks."""
    project = studio.server.project(work.title("jp", kind))
    found: dict[str, list[int]] = {}
    for task in studio.server.tasks(project) if project else ():
        found.setdefault(task.external_id, []).append(task.number)
    return found


def project_of(studio: Studio) -> int:
    """The number of the project of the pictures."""
    found = studio.server.project(work.title("jp", "pictures"))
    assert found is not None
    return found


def test_a_push_through_two_kills_sends_every_picture_once(studio: Studio, tmp_path: Path):
    root = tmp_path / "big"
    know(root, write_project(root, PICTURES, gold=3)[:5])
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
    assert Counter(task.overlap for task in found) == {100: 3, 2: FEW - 3}
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


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def wait_for(page: Page, expression: str) -> None:
    wait_until(lambda: page.evaluate(expression))


def click(page: Page, selector: str) -> None:
    """Click as soon as it is there; found and clicked at once, for the page draws itself anew while it loads."""
    find = f"document.querySelector({json.dumps(selector)})"
    wait_for(page, f"(() => {{ const found = {find}; found?.click(); return !!found }})()")


def enter(page: Page, studio: Studio, expert: Expert) -> None:
    """Log in as a person does."""
    page.resize(1500, 1000)
    page.open(f"{studio.entry.url}/user/login/")
    who = f"f.email.value = {json.dumps(expert.email)}; f.password.value = {json.dumps(expert.password)}"
    page.evaluate(f"(() => {{ const f = document.querySelector('form'); {who}; f.submit() }})()")
    wait_for(page, "location.pathname !== '/user/login/'")


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
SUBMIT = "document.querySelector('button[aria-label=\"Submit current annotation\"]')"


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


def test_people_answer_the_judges_questions_on_pictures_of_all_regions_in_one_project(
    studio: Studio, root: Path, experts: tuple[Expert, Expert]
):
    asked = write_test_split(root, 2, ["jp", "nl", "ua", "tr", "cn"])
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
    assert questions.pull(root, studio.server).new == 20
    before = (root / questions.ANSWERS).read_bytes()
    found = read_choices(root / questions.ANSWERS)
    right = [one for one in found if one.answer == asked[one.picture_id]]
    assert len(found) == 20 and len(right) == 10 and len({one.annotator for one in right}) == 1
    assert questions.pull(root, studio.server).new == 0 and (root / questions.ANSWERS).read_bytes() == before
    assert work.forget(studio.server, studio.place, ["jp"], {found[0].picture_id: ""}) == 1


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
        # The form alone: the list of tasks beside it may show the regions of others, too.
        inputs = page.evaluate("[...document.querySelectorAll('input[name]')].map(input => input.name)")
        assert [name for given in inputs for name in offered if given.startswith(name)] == offered
        wait_for(page, f"{chosen}?.checked || ({chosen}?.click(), false)")
        wait_for(page, f"{chosen}?.checked && !!{SUBMIT} && ({SUBMIT}.click(), true)")
        wait_until(lambda: any(one.annotations for one in studio.server.tasks(project)))
    questions.pull(root, studio.server)
    (found,) = read_choices(root / questions.ANSWERS)
    assert (found.picture_id, found.options) == (task.external_id, task.data["codes"].split(","))
    assert found.answer == found.options[1]


def test_captions_come_back_with_their_audit_their_spans_and_the_noun_caption(
    studio: Studio, experts: tuple[Expert, Expert], tmp_path: Path
):
    root = tmp_path / "project"
    right, bad, new, kept = write_project(root, 4)
    write_captioned(root, {right: "𠮷野の和風の家", bad: "芸者", new: "家"}, [kept])
    assert work.push(root, studio.server, studio.place, "jp", "captions").created == 3
    found = {name: numbers[0] for name, numbers in tasks(studio, "captions").items()}
    # A browser counts 𠮷 as two.
    experts[0].answer(
        found[right], choice("audit", "correct"), mark("noun", 7, 8, "家"), mark("modifier", 4, 7, "和風の"),
        text("noun", "丘の上の家"), text("noun_en", "a house on a hill"), text("noun_noun", "家"),
    )  # fmt: skip
    experts[0].answer(found[bad], choice("audit", "stereotype"))
    experts[1].answer(
        found[new], choice("audit", "edit"), text("new_cultural", "和風の  家"), text("new_cultural_noun", "家"),
        text("new_cultural_modifier", "和風の"), text("noun", "家"),
    )  # fmt: skip
    done = work.pull(root, studio.server, "jp", "captions")
    assert (done.lines, done.problems) == (3, ())
    path = root / "annotations/captions/jp.jsonl"
    captions = read_human_captions(path, "ja")
    cultural = captions[right].captions["cultural"]
    assert cultural["text"][cultural["noun_start"] : cultural["noun_end"]] == "家"
    assert cultural["text"][cultural["modifier_start"] : cultural["modifier_end"]] == "和風の"
    assert captions[right].captions["noun_en"]["text"] == "a house on a hill"
    assert captions[bad].rejected == "stereotype"
    assert captions[new].captions["cultural"]["text"] == "和風の 家"
    raw = path.read_bytes()
    assert work.pull(root, studio.server, "jp", "captions").changed == 0
    assert path.read_bytes() == raw


def test_a_personal_access_token_and_uploads_serve_a_server_elsewhere(
    studio: Studio, experts: tuple[Expert, Expert], tmp_path: Path
):
    token = Expert.ok(experts[0].http.post("/api/token"))["token"]
    server = Server(studio.entry.url, token)
    server.check()
    root = tmp_path / "project"
    waiting = sorted(write_project(root, 7, batch_size=2))
    write_captioned(root, dict.fromkeys(waiting, "和風の家"), [])
    place = Uploaded(server)
    assert work.push(root, server, place, "jp", "captions").created == len(waiting)
    assert work.push(root, server, place, "jp", "captions").created == 0
    project = server.project(work.title("jp", "captions"))
    urls = [task.data["image"] for task in server.tasks(project or 0) if task.external_id in waiting]
    for name, url in zip(waiting, sorted(urls, key=lambda url: url.rpartition("-")[2]), strict=True):
        assert hashlib.sha256(experts[1].http.get(url).content).hexdigest() == name
    assert place.remove(waiting[:2]) == 2 and place.remove(waiting[:2]) == 0


def test_a_webhook_with_the_secret_says_that_there_is_something_to_pull(
    studio: Studio, sent: dict[str, int], experts: tuple[Expert, Expert]
):
    project, heard = project_of(studio), threading.Event()
    number = min(sent.values())
    with listen(SECRET, heard.set) as url:
        studio.server.notify(project, url, {HEADER: "another secret than ours"})
        experts[0].answer(number, *KEEP)
        assert not heard.wait(3)
        studio.server.notify(project, url, {HEADER: SECRET})
        experts[1].answer(number, *KEEP)
        assert heard.wait(60)


def test_a_picture_that_must_go_leaves_with_its_tasks_and_its_file(studio: Studio, root: Path, sent: dict[str, int]):
    name, *others = sorted(sent)
    write_annotated(root, [name], others)
    assert work.push(root, studio.server, studio.place, "jp", "ties").created == 1
    assert work.forget(studio.server, studio.place, ["jp"], {name: name}) == 2
    assert sorted(tasks(studio)) == others and tasks(studio, "ties") == {}
    assert not list((Path(studio.entry.files) / "pictures").glob(f"{name}*"))


def test_a_wrong_token_is_one_sentence_without_the_token(studio: Studio):
    with pytest.raises(LabelStudioError, match="check the token") as caught:
        Server(studio.entry.url, "0badc0de" * 5).check()
    assert "0badc0de" not in str(caught.value) and studio.entry.token not in str(caught.value)


def test_a_second_start_and_a_taken_port_are_refused(studio: Studio, tmp_path: Path):
    with pytest.raises(LabelStudioError, match="runs already"):
        local.start(studio.home, studio.binaries)
    port = int(studio.entry.url.rpartition(":")[2])
    with pytest.raises(LabelStudioError, match=f"port {port}"):
        local.start(tmp_path / "home", studio.binaries, port)
    assert not (tmp_path / "home/credentials.json").exists()


def test_its_credentials_are_for_their_owner_alone(studio: Studio):
    path = studio.home / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert studio.home.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    with pytest.raises(LabelStudioError, match="chmod 600"):
        local.credentials(studio.home)
    path.chmod(0o600)


def test_the_server_stops_when_told_so_and_has_kept_everything(studio: Studio, sent: dict[str, int]):
    assert local.running(studio.home)
    assert local.stop(studio.home)
    assert not local.running(studio.home) and not local.stop(studio.home)
    with pytest.raises(LabelStudioError, match="no answer"):
        studio.server.check()
    studio.restart()
    assert tasks(studio) == {name: [number] for name, number in sent.items()}
