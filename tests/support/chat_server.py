"""A loopback OpenAI-compatible server: answers by a function, fails on a schedule, and remembers everything."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-loopback-0123456789abcdef"
USAGE = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
#: Faults that answer with a status and no reply.
ERRORS = {
    "rate_limit": (429, "rate_limit_exceeded", {"Retry-After": "3600"}),
    "server_error": (500, "server_error", {}),
    "quota": (429, "insufficient_quota", {}),
    "bad_request": (400, "invalid_request_error", {}),
}
#: All faults: those, replies of bad quality, and connections that break or hang.
FAULTS = (*ERRORS, "cut_off", "refusal", "wrong_language", "broken_body", "no_json", "hang")


@dataclass(frozen=True)
class Asked:
    """One request as the server understood it."""

    body: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self.body, sort_keys=True).encode()).hexdigest()

    @property
    def texts(self) -> list[str]:
        """Every text of every message, in order."""
        return [part["text"] for part in self._parts() if part["type"] == "text"]

    @property
    def images(self) -> list[bytes]:
        urls = [part["image_url"]["url"] for part in self._parts() if part["type"] == "image_url"]
        return [base64.b64decode(url.partition(",")[2]) for url in urls]

    def _parts(self) -> Iterator[dict[str, Any]]:
        for message in self.body["messages"]:
            content = message["content"]
            yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


#: (request, fault or "") -> the content of the reply; only `wrong_language` changes what is answered.
Answer = Callable[[Asked, str], str]
#: The JSON of a reply -> what an endpoint with habits of its own sends instead.
Shape = Callable[[dict[str, Any]], dict[str, Any]]
#: (fingerprint of the request, how often it was sent before) -> a fault, or "".
Schedule = Callable[[str, int], str]


def never(fingerprint: str, sent: int) -> str:
    """No fault at all."""
    return ""


def share_of_faults(share: float, faults: Sequence[str] = FAULTS) -> Schedule:
    """Each try fails with probability `share`, in a way that its fingerprint and number decide."""

    def schedule(fingerprint: str, sent: int) -> str:
        digest = hashlib.sha256(f"{fingerprint}/{sent}".encode()).digest()
        unit = int.from_bytes(digest[:8], "big") / 2**64
        return faults[digest[8] % len(faults)] if unit < share else ""

    return schedule


class ChatServer:
    """Serves `/v1/chat/completions` until the `with` block ends; `log` holds (fingerprint, fault or "answered")."""

    def __init__(
        self, answer: Answer, schedule: Schedule = never, usage: dict[str, int] | None = USAGE, shape: Shape = dict
    ) -> None:
        self.answer, self.schedule, self.usage, self.shape = answer, schedule, usage, shape
        self.batches = Batches(self)
        self.asked: list[Asked] = []
        self.log: list[tuple[str, str]] = []
        self.max_at_once = 0
        self._sent: Counter[str] = Counter()
        self._now = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        server = self

        class Handler(_Handler):
            owner = server

        self._http = _QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()

    def count(self, outcome: str) -> int:
        return sum(found == outcome for _, found in self.log)

    def paid_twice(self) -> int:
        """Answers that were sent although the same request had been answered before."""
        answered = Counter(fingerprint for fingerprint, outcome in self.log if outcome == "answered")
        return sum(count - 1 for count in answered.values())

    def wait_for(self, answers: int, seconds: float = 60) -> None:
        """Until so many answers were sent."""
        end = time.monotonic() + seconds
        while self.count("answered") < answers:
            assert time.monotonic() < end, f"{self.count('answered')} answers, {answers} expected"
            time.sleep(0.01)

    def fault_of(self, asked: Asked) -> str:
        """The fault with which this try is met."""
        with self._lock:
            self.asked.append(asked)
            self._sent[asked.fingerprint] += 1
            return self.schedule(asked.fingerprint, self._sent[asked.fingerprint] - 1)

    def note(self, asked: Asked, outcome: str) -> None:
        with self._lock:
            self.log.append((asked.fingerprint, outcome))

    def completion(self, asked: Asked, fault: str) -> dict[str, Any]:
        """The JSON of a reply, good or bad."""
        content, refusal, finish = self.answer(asked, fault), None, "stop"
        if fault == "refusal":
            content, refusal = "", "I cannot help with that."
        elif fault == "cut_off":
            content, finish = content[: len(content) // 2], "length"
        message = {"role": "assistant", "content": content, "refusal": refusal}
        whole = {
            "id": "chatcmpl-loopback",
            "object": "chat.completion",
            "created": 0,
            "model": f"{asked.body['model']}-served",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        } | ({"usage": self.usage} if self.usage else {})
        return self.shape(whole)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.max_at_once = max(self.max_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def hang(self) -> None:
        self._over.wait(30)


class Batches:
    """The files and batches of a server; a batch is done when it has been looked at `looks` times."""

    def __init__(self, server: ChatServer, looks: int = 2) -> None:
        self.looks = looks
        self.made: dict[str, dict[str, Any]] = {}
        self._server = server
        self._files: dict[str, bytes] = {}

    def post(self, path: str, body: bytes) -> bytes:
        """Take a file, or a batch of one."""
        if path == "/v1/files":
            name = f"file-{len(self._files)}"
            start = body.index(b'{"custom_id"')
            self._files[name] = body[start : body.index(b"\r\n--", start)]
            return json.dumps({"id": name, "object": "file", "purpose": "batch", "filename": "b", "bytes": 1,
                               "created_at": 0, "status": "processed"}).encode()  # fmt: skip
        name = f"batch-{len(self.made)}"
        self.made[name] = json.loads(body) | {
            "id": name, "object": "batch", "status": "in_progress", "created_at": 0, "looks": 0,
        }  # fmt: skip
        return json.dumps(self.made[name]).encode()

    def get(self, path: str) -> bytes | None:
        """A list of batches, one batch, or the content of a file; None when there is none."""
        parts = path.partition("?")[0].removeprefix("/v1/").split("/")
        if parts == ["batches"]:
            return json.dumps({"object": "list", "data": list(self.made.values()), "has_more": False}).encode()
        if parts[0] == "batches" and parts[1] in self.made:
            batch = self.made[parts[1]]
            batch["looks"] += 1
            if batch["looks"] == self.looks:
                self._work(batch)
            return json.dumps(batch).encode()
        return self._files.get(parts[1]) if parts[0] == "files" else None

    def _work(self, batch: dict[str, Any]) -> None:
        lines: list[str] = []
        for line in self._files[batch["input_file_id"]].decode().split("\n"):
            row = json.loads(line)
            asked = Asked(row["body"])
            fault = self._server.fault_of(asked)
            status = ERRORS[fault][0] if fault in ERRORS else 200
            body = {"error": {"message": fault}} if fault in ERRORS else self._server.completion(asked, fault)
            self._server.note(asked, fault if fault in ERRORS else "answered")
            done = {"custom_id": row["custom_id"], "response": {"status_code": status, "body": body}}
            lines.append(json.dumps(done, ensure_ascii=False))
        batch |= {"status": "completed", "output_file_id": f"{batch['id']}-output"}
        self._files[batch["output_file_id"]] = "\n".join(lines).encode()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed leaves no trace in the test's output."""


class _Handler(BaseHTTPRequestHandler):
    owner: ChatServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = self.owner.batches.get(self.path)
        self._send(200, found, {}) if found is not None else self._error(404, "not_found", {}, self.path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._error(401, "invalid_api_key", {}, f"Incorrect API key provided: {self.headers['Authorization']}")
        elif self.path in ("/v1/files", "/v1/batches"):
            self._send(200, self.owner.batches.post(self.path, body), {})
        elif self.path != "/v1/chat/completions":
            self._error(404, "not_found", {}, self.path)
        else:
            with self.owner.counted(), contextlib.suppress(ConnectionError):
                self._chat(Asked(json.loads(body)))

    def _chat(self, asked: Asked) -> None:
        fault = self.owner.fault_of(asked)
        if fault in ERRORS:
            status, code, headers = ERRORS[fault]
            self.owner.note(asked, fault)
            self._error(status, code, headers, f"{fault}, said to {self.headers['Authorization']}")
        elif fault == "hang":
            self.owner.note(asked, fault)
            self.owner.hang()
            self.close_connection = True
        elif fault in ("broken_body", "no_json"):
            self.owner.note(asked, fault)
            data = json.dumps(self.owner.completion(asked, "")).encode()[:40]
            self._send(200, data, {}, promised=len(data) * (2 if fault == "broken_body" else 1))
            self.close_connection = True
        else:
            data = json.dumps(self.owner.completion(asked, fault), ensure_ascii=False).encode()
            self._send(200, data, {})
            self.owner.note(asked, "answered")

    def _error(self, status: int, code: str, headers: dict[str, str], message: str) -> None:
        body = {"error": {"message": message, "type": code, "code": code, "param": None}}
        self._send(status, json.dumps(body).encode(), headers)

    def _send(self, status: int, data: bytes, headers: dict[str, str], promised: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) if promised is None else promised))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass
