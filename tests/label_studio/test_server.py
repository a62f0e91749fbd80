"""The server itself: who may enter, where pictures lie, how it starts, speaks and stops."""

from __future__ import annotations

import hashlib
import threading
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from culturebench.label_studio import local, region as work
from culturebench.label_studio._database import NAME, begin
from culturebench.label_studio.client import LabelStudioError, Server
from culturebench.label_studio.pictures import Uploaded
from culturebench.label_studio.webhook import HEADER, listen
from studio import KEEP, Expert, Studio, project_of, tasks
from studio_tables import write_captioned, write_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]

SECRET = "a-secret-of-the-flows"


def test_a_wrong_token_is_one_sentence_without_the_token(studio: Studio):
    with pytest.raises(LabelStudioError, match="check the token") as caught:
        Server(studio.entry.url, "0badc0de" * 5).check()
    assert "0badc0de" not in str(caught.value) and studio.entry.token not in str(caught.value)


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


def test_a_second_start_and_a_taken_port_are_refused(studio: Studio, tmp_path: Path):
    with pytest.raises(LabelStudioError, match="runs already"):
        local.start(studio.home, studio.binaries)
    port = int(studio.entry.url.rpartition(":")[2])
    with pytest.raises(LabelStudioError, match=f"port {port}"):
        local.start(tmp_path / "home", studio.binaries, port)
    assert not (tmp_path / "home/credentials.json").exists()


def test_a_new_home_begins_with_the_installations_database_in_which_there_is_nobody(studio: Studio, tmp_path: Path):
    kept = studio.binaries.parent / NAME
    with closing(connect(kept)) as database:
        for table in ("htx_user", "project", "authtoken_token", "organization"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    begin(tmp_path, studio.binaries, {})  # an environment in which no command of the server's would run
    assert (tmp_path / NAME).read_bytes() == kept.read_bytes()
    (tmp_path / NAME).write_bytes(b"somebody's work")
    begin(tmp_path, studio.binaries, {})
    assert (tmp_path / NAME).read_bytes() == b"somebody's work"
    assert list(tmp_path.iterdir()) == [tmp_path / NAME]


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
