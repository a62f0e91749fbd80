"""A real HTTP server on this machine for tests: every path is a function, every request is noted."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit


class Request(BaseHTTPRequestHandler):
    """One request and the means to answer it; `params` are those of the query."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes; the second would wait for an answer to the first
    server: Any  # the `Server` below
    params: Mapping[str, str]

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(20)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.params = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self.server.lock:
            self.server.asked.append(self.path)
            self.server.headers_of[self.path] = dict(self.headers.items())
        try:
            self.server.answer(unquote(parts.path), self)
        except OSError:
            self.close_connection = True  # the client went away, as it should from most of these
        finally:
            with self.server.lock:
                self.server.answered[self.path] += 1

    def send(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """An answer with a true `Content-Length` unless `headers` say otherwise."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.send(json.dumps(content).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def redirect(self, target: str, status: int = 302) -> None:
        self.send(b"", status, {"Location": target})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Answers on a free port until `close`; `asked` are the paths in the order of the requests."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[str, Request], None], host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), Request)
        self.answer = answer
        self.lock = threading.Lock()
        self.asked: list[str] = []
        self.answered: Counter[str] = Counter()
        self.headers_of: dict[str, dict[str, str]] = {}
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        return f"{self.server_address[0]}:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def count(self, path: str) -> int:
        """How often a path was asked for, whatever its query."""
        return sum(urlsplit(asked).path == path for asked in self.asked)

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to report."""
