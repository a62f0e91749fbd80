"""How long the whole pipeline takes on the shrunken atlas: `culturebench repro` beside plain `dvc repro`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks._ratios import Row, clock

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from workspace import Workspace  # noqa: E402  # the shrunken atlas of the tests


def plain(workspace: Workspace) -> None:
    """DVC as a person calls it."""
    command = [sys.executable, "-m", "dvc", "repro"]
    subprocess.run(command, cwd=workspace.root, env=workspace.shell, check=True, capture_output=True)


def rows() -> Iterator[Row]:
    """Plain DVC beside ours, once: each makes a project of its own, with the same content of dvc.lock."""
    seconds: dict[str, float] = {}
    locks: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, run in {"plain": plain, "ours": Workspace.repro}.items():
            workspace = Workspace.fresh(Path(folder) / name)
            started = clock()
            run(workspace)
            seconds[name] = clock() - started
            locks.append(workspace.lock())
    assert locks[0] == locks[1], "the two runs wrote different bytes"
    work = f"the whole pipeline on the shrunken atlas, {len(locks[0])} stages from nothing"
    yield Row(work, "`dvc repro`", [seconds["ours"]], [seconds["plain"]], note="the same bytes")
