"""HTTP connections that go only to checked addresses and end when their time is up."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from culturebench.web.address import resolve
from culturebench.web.failed import Failed


class Watch:
    """Ends whatever a thread still reads when the time that it was given is over.

    A timeout of a socket starts anew with every byte, so that a server which sends one now and then
    holds a reader for ever; here the connection is shut down from another thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[socket.socket, float] = {}
        self._mine = threading.local()
        self._thread = threading.Thread(target=self._run, name="web-watch", daemon=True)
        self._stopped = False
        self._thread.start()

    @contextmanager
    def until(self, deadline: float) -> Generator[None]:
        """What this thread connects to or reads inside is cut off at `deadline` (seconds, monotonic)."""
        lines: list[socket.socket] = []
        self._mine.deadline, self._mine.lines = deadline, lines
        try:
            yield
        finally:
            with self._changed:
                for line in lines:
                    self._due.pop(line, None)
            for line in lines:
                line.close()

    def remaining(self) -> float:
        """Seconds that this thread has left; `Failed` when there are none."""
        left = self._mine.deadline - time.monotonic()
        if left <= 0:
            raise Failed("deadline", "the time for one file was over")
        return left

    def add(self, connected: socket.socket) -> None:
        """Watch a connection of this thread: a copy of its handle, since TLS takes the socket itself over."""
        line = socket.socket(fileno=os.dup(connected.fileno()))
        self._mine.lines.append(line)
        with self._changed:
            self._due[line] = self._mine.deadline
            self._changed.notify()

    def stop(self) -> None:
        """End the watching thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                for line in [line for line, due in self._due.items() if due <= now]:
                    del self._due[line]
                    with suppress(OSError):
                        line.shutdown(socket.SHUT_RDWR)
                self._changed.wait(min(self._due.values()) - now if self._due else None)


class _Guarded:
    """A connection of urllib3 that resolves its host once and connects to nothing but what was checked."""

    def __init__(self, *args: Any, watch: Watch, allowed: Collection[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._watch = watch
        self._allowed = allowed

    def _new_conn(self: Any) -> socket.socket:
        error: OSError | None = None
        for place in resolve(self._dns_host, self.port, self._allowed):
            try:
                connected = socket.create_connection(place, timeout=self._watch.remaining())
            except OSError as refused:
                error = refused
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._watch.add(connected)
            return connected
        raise Failed("connection", f"no connection: {type(error).__name__}", passing=True) from None

    def request(self: Any, *args: Any, **options: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self._watch.remaining())
            self._watch.add(self.sock)
        super().request(*args, **options)  # type: ignore[misc]


class _Http(_Guarded, HTTPConnection):
    pass


class _Https(_Guarded, HTTPSConnection):
    pass


class _Adapter(HTTPAdapter):
    def __init__(self, watch: Watch, allowed: Collection[str], connections: int) -> None:
        self._guards = {"watch": watch, "allowed": allowed}
        super().__init__(pool_connections=64, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)

        class Http(HTTPConnectionPool):
            ConnectionCls: Any = partial(_Http, **self._guards)

        class Https(HTTPSConnectionPool):
            ConnectionCls: Any = partial(_Https, **self._guards)

        pools: dict[str, Any] = {"http": Http, "https": Https}
        self.poolmanager.pool_classes_by_scheme = pools


def open_session(watch: Watch, allowed: Collection[str], connections: int, agent: str) -> requests.Session:
    """A session for many threads: http and https only, no cookies, no proxy, no passwords from `.netrc`.

    A proxy would resolve names itself, behind the check of addresses.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update({"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "identity"})
    session.adapters.clear()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(watch, allowed, connections))
    return session
