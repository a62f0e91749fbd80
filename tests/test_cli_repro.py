"""`culturebench repro` says how far it is."""

from __future__ import annotations

from typing import Any

import pytest

from culturebench.cli.repro import EVERY, Progress
from flows.outcomes import Event


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def said(events: list[tuple[float, dict[str, Any]]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    clock = Clock()
    progress = Progress(clock)
    for clock.now, facts in events:
        progress.take(Event(**facts))
    return capsys.readouterr().out.splitlines()


def test_each_line_has_its_stage_and_each_start_says_how_far_all_are(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[tuple[float, dict[str, Any]]] = [
        (1, {"stage": "a", "text": "Stage 'a' didn't change, skipping"}),
        (1, {"stage": "b", "text": "Running stage 'b':"}),
        (1, {"stage": "b", "kind": "begun", "done": 1, "total": 4}),
        (2, {"stage": "b", "text": "drawing:  62%|######    | 62/100"}),
        (61, {"stage": "c", "kind": "begun", "done": 1, "total": 4, "left": 122.4, "sure": False}),
        (62, {"stage": "b", "text": "done"}),
        (63, {"stage": "b", "kind": "ended", "outcome": "ran", "done": 2, "total": 4, "left": 60, "sure": True}),
        (64, {"stage": "d", "kind": "begun", "done": 2, "total": 4, "left": 60, "sure": True}),
    ]
    assert said(events, capsys) == [
        "1/4 stages · b · 0:01 gone · time left not known yet",
        "1/4 stages · b 62% · c · 1:01 gone · at least 2:02 left",
        "b: done",
        "2/4 stages · c · d · 1:04 gone · about 1:00 left",
    ]


def test_in_a_log_a_long_stage_says_how_far_it_is_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    begun: tuple[float, dict[str, Any]] = (0, {"stage": "b", "kind": "begun", "done": 0, "total": 1})
    bars: list[tuple[float, dict[str, Any]]] = [(n, {"stage": "b", "text": f"{n}%|#"}) for n in range(0, 100, 10)]
    assert len(said([begun, *bars], capsys)) == 1 + int(90 // EVERY)


def test_a_failure_is_told_at_once_with_what_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[tuple[float, dict[str, Any]]] = [
        (0, {"stage": "b", "kind": "begun", "done": 0, "total": 3}),
        (0, {"stage": "c", "kind": "begun", "done": 0, "total": 3}),
        (0, {"stage": "b", "kind": "ended", "outcome": "failed", "text": "b failed: no ink left"}),
    ]
    *_, last = said(events, capsys)
    assert last == "b failed: no ink left; nothing new starts, and this goes on to its end: c"
