"""A copy of a project with other params, for grids that are wider than the default run.

It has DVC's cache of the project, so that what both share is made once; a stopped grid goes on where it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from culturebench.errors import CultureBenchError
from flows.repair import clear_path_locks, repair


class StageFailedError(CultureBenchError):
    """A stage that failed; what it said stands above."""


def copy_project(project: Path, folder: Path) -> None:
    """The files that Git knows or does not ignore, beside DVC's cache of the project."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in names:
        source, target = project / name, folder / name
        if not name or not source.is_file() or name in ("params.yaml", "dvc.lock"):
            continue
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for key, value in {"core.no_scm": "true", "cache.dir": str(project / ".dvc/cache")}.items():
        run_dvc(folder, "config", "--local", key, value)


def write_params(folder: Path, params: Mapping[str, Any]) -> None:
    """Give the copy other params."""
    text = yaml.safe_dump(dict(params), allow_unicode=True, sort_keys=False)
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def run_dvc(folder: Path, *arguments: str) -> None:
    """Run DVC in the copy, after what a kill has left is mended; `StageFailedError` when it fails."""
    bin = Path(sys.executable).parent
    given = {"PYTHONPATH": str(folder), "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}"}
    for sentence in (*repair(folder), *clear_path_locks(folder)):  # what a kill has left
        print(sentence, file=sys.stderr)
    command = [sys.executable, "-m", "dvc", *arguments]
    if subprocess.run(command, cwd=folder, env={**os.environ, **given}, check=False).returncode:
        said = f"`dvc {' '.join(arguments)}` failed in {folder}; mend what it says above, and run again"
        raise StageFailedError(said)
