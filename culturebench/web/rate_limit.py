"""Politeness: how often one host is asked, and what it asked for itself."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from culturebench.web.failed import ASKED_TO_WAIT, AskedToWait


class RateLimit:
    """Lets requests to one host start at least `interval` seconds apart, and later when the host wants it."""

    def __init__(self, interval: float, max_wait: float) -> None:
        self._interval = interval
        self._max_wait = max_wait
        self._slower: dict[str, float] = {}
        self._next: dict[str, float] = {}
        self._paused: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, host: str) -> None:
        """Return when the next request to `host` may start; `AskedToWait` when that is too far away."""
        if self._paused.get(host, 0.0) - time.monotonic() > self._max_wait:
            raise AskedToWait(ASKED_TO_WAIT, "the host asked for a longer pause than is waited for", passing=True)
        with self._lock:
            start = max(time.monotonic(), self._next.get(host, 0.0))
            self._next[host] = start + max(self._interval, self._slower.get(host, 0.0))
        while (left := max(start, self._paused.get(host, 0.0)) - time.monotonic()) > 0:
            time.sleep(left)

    def settle(self, host: str) -> bool:
        """Return True when a request to `host` could start, and False at once when that is too far away."""
        left = max(self._next.get(host, 0.0), self._paused.get(host, 0.0)) - time.monotonic()
        if left > self._max_wait:
            return False
        time.sleep(max(0.0, left))
        return True

    def pause(self, host: str, seconds: float) -> None:
        """No request to `host` starts before `seconds` have passed."""
        with self._lock:
            self._paused[host] = max(self._paused.get(host, 0.0), time.monotonic() + seconds)

    def slow_down(self, host: str, interval: float) -> None:
        """From now on requests to `host` start at least `interval` seconds apart."""
        with self._lock:
            self._slower[host] = interval


def retry_after(value: str | None) -> float | None:
    """Seconds to wait, of a `Retry-After` header in seconds or as a date (RFC 9110); None when it says nothing."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):  # a day or a zone that no calendar has
        return None
