"""What `make` installs, and what `make clean` leaves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from light_environment import locked

ROOT = Path(__file__).parents[1]
SERVER = "culturebench/label_studio/server.lock"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile and what it looks at, an hour old."""
    for name in ("Makefile", "requirements.lock", "requirements.hashes", "pyproject.toml"):
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
        hashed, versions = "--require-hashes --requirement requirements.hashes", "--requirement requirements.lock"
        return "-m venv .venv" in printed and 0 < printed.find(hashed) < printed.find(versions)

    assert installs()
    (project / ".venv").mkdir()
    (project / ".venv/installed").touch()
    assert not installs()
    for name in ("requirements.lock", "requirements.hashes"):
        later = (project / ".venv/installed").stat().st_mtime + 60
        os.utime(project / name, (later, later))
        assert installs()
        os.utime(project / ".venv/installed", (later, later))


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


@pytest.mark.parametrize(
    ("hashes", "lock", "without"),
    [("requirements.hashes", "requirements.lock", {"torch"}), (SERVER, SERVER, set())],
)
def test_every_package_that_is_installed_has_hashes_but_torch(hashes: str, lock: str, without: set[str]) -> None:
    text = (ROOT / hashes).read_text(encoding="utf-8")
    entries = re.findall(r"(?m)^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text)
    found = {canonicalize_name(name): version for name, version, _ in entries}
    wanted = {name: version for name, version in locked(ROOT / lock).items() if name not in without}
    assert found == wanted and len(found) == len(re.findall(r"(?m)^\w", text)) > 100
    assert without <= locked(ROOT / lock).keys()
