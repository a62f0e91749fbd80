"""A webhook wakes the synchronisation: one run for a burst of hints, none without the secret."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request

import pytest

from culturebench.label_studio.webhook import HEADER, listen
from flows import webhook

SECRET = "a-secret-of-some-length"


def post(address: str, secret: str) -> int:
    request = urllib.request.Request(address, data=b"{}", headers={HEADER: secret}, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


def test_a_burst_of_hints_becomes_one_run() -> None:
    hinted, runs = threading.Event(), list[int]()
    with listen(SECRET, hinted.set) as address:
        for _ in range(5):
            post(address, SECRET)
        webhook.run_after_hints(hinted, 0.1, lambda: runs.append(1), rounds=1)
        assert not hinted.is_set()
    assert runs == [1]


def test_a_hint_during_a_run_leads_to_another_one() -> None:
    hinted, runs = threading.Event(), list[int]()

    def run() -> None:
        runs.append(1)
        if len(runs) == 1:
            hinted.set()

    hinted.set()
    webhook.run_after_hints(hinted, 0.0, run, rounds=2)
    assert runs == [1, 1]


def test_a_call_without_the_secret_wakes_nobody() -> None:
    hinted = threading.Event()
    with listen(SECRET, hinted.set) as address, pytest.raises(urllib.error.HTTPError, match="403"):
        post(address, "another-secret-of-that-length")
    assert not hinted.is_set()


def test_without_a_secret_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(webhook.SECRET, raising=False)
    monkeypatch.setattr("sys.argv", ["webhook"])
    with pytest.raises(SystemExit, match=webhook.SECRET):
        webhook.main()
