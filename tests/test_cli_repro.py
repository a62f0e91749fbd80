"""`culturebench repro` says how far it is."""

from __future__ import annotations

import pytest

from culturebench.cli.repro import Progress


def test_a_stage_that_runs_says_its_number_the_time_gone_and_an_estimate_of_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = iter([0.0, 1.0, 61.0])
    progress = Progress(lambda: 4, clock=lambda: next(now))
    for line in ("Stage 'a' didn't change, skipping", "Running stage 'b':", "> work", "Running stage 'c':"):
        progress.line(line)
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["[2/4, 0:01] Running stage 'b':", "> work", "[3/4, 1:01, about 2:02 left] Running stage 'c':"]


def test_the_stages_are_not_counted_when_none_runs() -> None:
    def never() -> int:
        raise AssertionError

    Progress(never).line("Stage 'a' didn't change, skipping")
