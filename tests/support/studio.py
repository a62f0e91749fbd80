"""A real Label Studio with real users, and the answers that they give."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from culturebench.label_studio import local, region as work
from culturebench.label_studio.client import Server
from culturebench.label_studio.pictures import Served

SECONDS = 60


@dataclass(frozen=True)
class Expert:
    """A person with an account of their own, who answers through the API as their browser does."""

    email: str
    password: str
    http: httpx.Client

    def answer(self, task: int, *result: dict[str, Any], **more: Any) -> int:
        """Submit an annotation and return its number."""
        body = {"result": list(result), "lead_time": 3.5, **more}
        return self.ok(self.http.post(f"/api/tasks/{task}/annotations/", json=body))["id"]

    @staticmethod
    def ok(answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


@dataclass
class Studio:
    """A local server that can be killed and started again on its port."""

    home: Path
    binaries: Path
    entry: local.Credentials

    @classmethod
    def fresh(cls, home: Path, binaries: Path) -> Studio:
        with socket.socket() as probe:
            probe.bind((local.HOST, 0))
            port = probe.getsockname()[1]
        return cls(home, binaries, local.start(home, binaries, port, webhooks=True))

    def kill(self) -> None:
        """As a power cut would end it."""
        os.killpg(int((self.home / "server.pid").read_text()), signal.SIGKILL)

    def restart(self) -> None:
        """Start it again where it was."""
        local.stop(self.home)
        self.entry = local.start(self.home, self.binaries, webhooks=True)

    @property
    def server(self) -> Server:
        return Server(self.entry.url, self.entry.token)

    @property
    def place(self) -> Served:
        return Served(self.server, Path(self.entry.files))

    def empty(self) -> None:
        """Delete every project with its tasks, and all pictures; people stay."""
        headers = {"Authorization": f"Token {self.entry.token}"}
        with httpx.Client(base_url=self.entry.url, headers=headers, trust_env=False, timeout=SECONDS) as http:
            for project in Expert.ok(http.get("/api/projects", params={"page_size": 100}))["results"]:
                assert http.delete(f"/api/projects/{project['id']}/").is_success
        for picture in (Path(self.entry.files) / "pictures").iterdir():
            picture.unlink()

    def expert(self, name: str) -> Expert:
        """Sign up through the invitation, as a person does."""
        email, password = f"{name}@experts.example", f"{name}-of-the-village"
        http = httpx.Client(base_url=self.entry.url, follow_redirects=True, trust_env=False, timeout=SECONDS)
        invitation = self.server.invitation()
        page = http.get(invitation).text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found, page[:500]
        form = {"csrfmiddlewaretoken": found[1], "email": email, "password": password, "allow_newsletters": "false"}
        assert http.post(invitation, data=form, headers={"Referer": invitation}).is_success
        token = Expert.ok(http.get("/api/current-user/token"))["token"]
        http.cookies.clear()
        http.headers["Authorization"] = f"Token {token}"
        return Expert(email, password, http)


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


def choice(name: str, value: str) -> dict[str, Any]:
    """An answer as the form gives it."""
    return {"from_name": name, "to_name": "image", "type": "choices", "value": {"choices": [value]}}


def sure(stars: int) -> dict[str, Any]:
    """How sure an expert is."""
    return {"from_name": "confidence", "to_name": "image", "type": "rating", "value": {"rating": stars}}


def text(name: str, value: str) -> dict[str, Any]:
    """What an expert wrote."""
    return {"from_name": name, "to_name": "image", "type": "textarea", "value": {"text": [value]}}


def mark(label: str, start: int, end: int, words: str) -> dict[str, Any]:
    """Words that an expert marked in the shown caption."""
    value = {"start": start, "end": end, "text": words, "labels": [label]}
    return {"from_name": "marks", "to_name": "cultural", "type": "labels", "value": value}


KEEP = (choice("verdict", "keep"), choice("subdivision", "seigaiha"), choice("category", "crafts"), sure(4))
REJECT = (choice("verdict", "reject"), choice("reason", "wrong_culture"), sure(2))
