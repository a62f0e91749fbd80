"""What `make` installs, and what `make clean` leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile and what it looks at, an hour old."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
        older = (ROOT / name).stat().st_mtime - 3600
        os.utime(tmp_path / name, (older, older))
    return tmp_path


def make(project: Path, *arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=project, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("target", ["repro", "test", "check"])
def test_every_target_installs_what_is_missing_and_installs_nothing_twice(target: str, project: Path) -> None:
    def installs() -> bool:
        printed = make(project, "--dry-run", target)
        assert "culturebench" in printed or "pytest" in printed or "ruff" in printed
        return "-m venv .venv" in printed and "--requirement requirements.lock" in printed

    assert installs()
    (project / ".venv").mkdir()
    (project / ".venv/installed").touch()
    assert not installs()
    later = (project / ".venv/installed").stat().st_mtime + 60
    os.utime(project / "requirements.lock", (later, later))
    assert installs()


def test_clean_takes_what_stages_made_and_leaves_what_people_made(project: Path) -> None:
    made = [
        "data/train/jp.parquet",
        "models/pins/x.json",
        "reports/index.html",
        "reports/plots/a.csv",
        ".dvc/cache/f/0",
    ]
    kept = ["reports/README.md", "annotations/removed.jsonl", "culturebench/atlas/weights/w", ".dvc/config", ".venv/x"]
    for name in (*made, *kept, "stages/__pycache__/a.pyc"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    make(project, "clean")
    assert [name for name in made if (project / name).exists()] == []
    assert [name for name in kept if not (project / name).exists()] == []
    assert not (project / "stages/__pycache__").exists()
    make(project, "clean")  # with nothing left to do, it is no error
