"""A hub on loopback: one repository, behind a licence or not, with files that can be damaged and a newer commit."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NEWER = "89abcdef0123456789abcdef0123456789abcdef"
BRANCH = "main"
REPO = "maker/tiny"


@dataclass
class Hub:
    """What the server gives; `token` is the one that opens it, None for a public repository.

    The branch stands at COMMIT with `files`, or at NEWER when there are `newer` ones.
    """

    files: dict[str, bytes]
    newer: dict[str, bytes] | None = None
    token: str | None = None
    damaged: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def commits(self) -> dict[str, dict[str, bytes]]:
        return {COMMIT: self.files} | ({} if self.newer is None else {NEWER: self.newer})

    @property
    def head(self) -> str:
        return COMMIT if self.newer is None else NEWER


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """The hub, served while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            path = self.path.split("?")[0]
            hub.asked.append(path)
            if not path.removeprefix("/api/models").startswith(f"/{REPO}/"):
                return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body)
            if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
                return self._send(403, b"{}", {"X-Error-Code": "GatedRepo"}, body)
            parts = path.removeprefix(f"/api/models/{REPO}").removeprefix(f"/{REPO}").split("/", 3)
            revision = hub.head if parts[2] == BRANCH else parts[2]
            files = hub.commits.get(revision)
            if files is None:
                return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, body)
            if parts[1] == "tree":
                return self._send(200, json.dumps(_tree(files)).encode(), {}, body)
            if parts[1] == "revision":
                return self._send(200, json.dumps(_info(files, revision)).encode(), {}, body)
            content = files[parts[3]]
            sent = bytes(reversed(content)) if parts[3] in hub.damaged else content
            self._send(200, sent, {"ETag": f'"{_sha(content)}"', "X-Repo-Commit": revision}, body)

        def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _info(files: dict[str, bytes], commit: str) -> object:
    siblings = [
        {"rfilename": name, "size": len(content), "blobId": "0" * 40,
         "lfs": {"sha256": _sha(content), "size": len(content), "pointerSize": 134}}
        for name, content in files.items()
    ]  # fmt: skip
    return {"id": REPO, "modelId": REPO, "sha": commit, "siblings": siblings, "tags": [], "private": False}


def _tree(files: dict[str, bytes]) -> object:
    return [
        {"type": "file", "path": name, "size": len(content), "oid": "0" * 40,
         "lfs": {"oid": _sha(content), "size": len(content), "pointerSize": 134}}
        for name, content in files.items()
    ]  # fmt: skip
