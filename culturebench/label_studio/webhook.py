"""A webhook says that there may be something to pull, and nothing else of it is believed."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from culturebench.errors import CultureBenchError

HEADER = "X-CultureBench-Secret"
#: Bytes of a request's body that are taken off the line, unread; more is refused.
MOST = 1_000_000
SECONDS = 10
_SHORTEST = 16


def is_hint(headers: Mapping[str, str], secret: str) -> bool:
    """Whether a request bears the shared secret; compared in constant time. What it says otherwise is no matter."""
    given = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


@contextmanager
def listen(secret: str, on_hint: Callable[[], None], host: str = "127.0.0.1", port: int = 0) -> Generator[str]:
    """Accept webhooks in a thread of its own while the block runs; yields the address for the server.

    `on_hint` takes nothing: whoever is called asks the server itself. It should return at once.
    """
    if len(secret) < _SHORTEST:
        raise CultureBenchError(f"the webhook's secret needs {_SHORTEST} characters or more")

    class Handler(BaseHTTPRequestHandler):
        timeout = SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isascii() or not length.isdigit() or int(length) > MOST:
                self._answer(413)
                return
            self.rfile.read(int(length))
            if not is_hint(dict(self.headers.items()), secret):
                self._answer(403)
                return
            on_hint()
            self._answer(204)

        def log_message(self, format: str, *args: object) -> None:  # a stranger's bytes have no place on the terminal
            pass

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.close_connection = True

    server = ThreadingHTTPServer((host, port), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
