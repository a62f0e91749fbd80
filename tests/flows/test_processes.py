"""What a command that a flow starts is told of the environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flows.processes import running

PRINTS = "import os; print(*sorted(name for name in os.environ if 'PREFECT' in name or 'OPENAI' in name))"


def test_a_stage_does_not_learn_what_opens_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "opens it")
    with running([sys.executable, "-c", PRINTS], root=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.read().split() == ["OPENAI_API_KEY"]
