"""One question to a server: bounded in time, bytes and redirects, patient where the server asks for it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

import requests
import urllib3

from culturebench.params.collect import Web
from culturebench.web.connection import Watch, open_session
from culturebench.web.failed import AskedToWait, Failed
from culturebench.web.rate_limit import RateLimit, retry_after
from culturebench.web.robots import PRODUCT, Robots

_CHUNK = 65_536
_ROBOTS_BYTES = 512_000
_ROBOTS_REDIRECTS = 5


@dataclass(frozen=True)
class Reply:
    """What a server answered: `body` has no content coding any more."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Checks:
    """What an answer has to pass, from the first header to the last byte; each method may raise `Failed`."""

    def url(self, url: str) -> None:
        """Before a URL is asked, the first one and each that it redirects to."""

    def headers(self, response: requests.Response) -> None:
        """Before any byte of the body is read; by default the status must be 200."""
        if response.status_code != 200:
            raise status_failure(response)

    def body(self, data: bytearray, *, complete: bool) -> None:
        """While bytes arrive, and once they all did."""


class Client:
    """Asks servers for many threads at once; `with` ends its connections."""

    def __init__(self, rules: Web) -> None:
        self.rules = rules
        self._watch = Watch()
        agent = f"{PRODUCT}/0.1 ({rules.contact}) python-requests/{requests.__version__}"
        self._session = open_session(self._watch, frozenset(rules.test_addresses), rules.workers, agent)
        self._rate_limit = RateLimit(rules.interval, rules.max_wait)
        self.robots = Robots(self._robots_file, self._slow_down)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        self._watch.stop()

    def __reduce__(self) -> tuple[type[Client], tuple[Web]]:
        """Another process asks by the same rules over connections of its own."""
        return Client, (self.rules,)

    def settle(self, host: str) -> bool:
        """Return when whoever knows nothing of earlier requests may ask `host`; False when nobody waits that long."""
        return self._rate_limit.settle(host)

    def get(
        self, url: str, checks: Checks, max_bytes: int, *, redirects: int = 0, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The answer that passes all `checks`; `Failed` after `tries`, or at once when another try is of no use."""
        for attempt in range(1, self.rules.tries + 1):
            try:
                return self._follow(url, checks, max_bytes, redirects, dict(headers or {}))
            except AskedToWait:
                raise
            except Failed as failed:
                if not failed.passing or attempt == self.rules.tries:
                    raise
                if failed.wait is None:
                    time.sleep(self.rules.backoff * 2 ** (attempt - 1))
        raise AssertionError("tries is at least 1")

    def _follow(self, url: str, checks: Checks, max_bytes: int, redirects: int, headers: dict[str, str]) -> Reply:
        left = self.rules.deadline
        for _ in range(redirects + 1):
            host = _host(url)
            checks.url(url)
            self._rate_limit.wait(host)
            start = time.monotonic()  # waiting one's turn is no fault of the server
            with self._watch.until(start + left), self._open(url, headers) as response:
                if redirects == 0 or not response.is_redirect:
                    self._pause_when_asked(host, response)
                    checks.headers(response)
                    return Reply(response.status_code, response.headers, self._read(response, checks, max_bytes))
                url, _ = urldefrag(urljoin(url, self._session.get_redirect_target(response) or ""))
            left -= time.monotonic() - start
        raise Failed("redirects", f"more than {redirects} redirects")

    def _pause_when_asked(self, host: str, response: requests.Response) -> None:
        wait = retry_after(response.headers.get("Retry-After"))
        if wait is not None and (response.status_code != 200 or "MediaWiki-API-Error" in response.headers):
            self._rate_limit.pause(host, wait)

    @contextmanager
    def _open(self, url: str, headers: dict[str, str]) -> Generator[requests.Response]:
        """Whatever requests and urllib3 raise becomes `Failed`: their own messages repeat the URL."""
        response: requests.Response | None = None
        try:
            response = self._session.get(
                url, headers=headers, stream=True, allow_redirects=False, timeout=self._watch.remaining()
            )
            yield response
        except Failed:
            raise
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError, ValueError) as error:
            raise Failed("bad_url", type(error).__name__) from None
        except requests.exceptions.SSLError:
            self._watch.remaining()
            raise Failed("tls", "the server's certificate or its TLS is not accepted") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            self._watch.remaining()
            raise _transport_failure(error) from None
        finally:
            if response is not None:
                response.close()

    def _read(self, response: requests.Response, checks: Checks, max_bytes: int) -> bytes:
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > max_bytes:
            raise Failed("too_many_bytes", f"{announced} bytes; allowed are {max_bytes}")
        data = bytearray()
        # read1 hands over what is there: a slow answer is looked at before it is long enough.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            data += chunk
            self._watch.remaining()
            if len(data) > max_bytes:
                raise Failed("too_many_bytes", f"more than {max_bytes} bytes")
            checks.body(data, complete=False)
        self._watch.remaining()
        checks.body(data, complete=True)
        return bytes(data)

    def _robots_file(self, url: str) -> tuple[int, bytes]:
        reply = self.get(url, _RobotsFile(), _ROBOTS_BYTES, redirects=_ROBOTS_REDIRECTS)
        return reply.status, reply.body

    def _slow_down(self, host: str, seconds: float) -> None:
        self._rate_limit.slow_down(host, min(seconds, self.rules.max_wait))


class _RobotsFile(Checks):
    def headers(self, response: requests.Response) -> None:
        if response.status_code >= 500 or response.status_code == 429:
            raise status_failure(response)


def status_failure(response: requests.Response) -> Failed:
    """`Failed` for a status that is no success; too many requests and errors of the server may pass."""
    status = response.status_code
    passing = status in (408, 425, 429) or status >= 500
    wait = retry_after(response.headers.get("Retry-After")) if passing else None
    return Failed(f"http_{status}", f"the server answered {status}", passing=passing, wait=wait)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, scheme, password = parts.hostname, parts.scheme, parts.username or parts.password
    except ValueError:
        raise Failed("bad_url", "not a URL") from None
    if scheme not in ("http", "https"):
        raise Failed("scheme", "only http and https are fetched")
    if not host or password:
        raise Failed("bad_url", "no host, or a password in the URL")
    return host


def _transport_failure(error: BaseException) -> Failed:
    broken = (urllib3.exceptions.ProtocolError, http.client.IncompleteRead, urllib3.exceptions.DecodeError)
    if isinstance(error, broken):
        return Failed("cut_off", f"the answer ended too early: {type(error).__name__}", passing=True)
    return Failed("connection", f"no answer: {type(error).__name__}", passing=True)
