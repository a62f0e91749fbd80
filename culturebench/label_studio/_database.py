"""The database that a new Label Studio begins with: its hundreds of migrations run once for an installation."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from culturebench.label_studio.client import LabelStudioError

#: What the server calls it, below its data folder.
NAME = "label_studio.sqlite3"


def begin(data: Path, binaries: Path, environment: Mapping[str, str]) -> None:
    """Put a database without users, projects and secrets into `data`, where there is none yet.

    The first call makes it beside `binaries`, in about half a minute; two processes at once make it once.
    `environment` is the server's own. Raises `LabelStudioError` when the server's command fails.
    """
    if (data / NAME).exists():
        return
    kept = binaries.parent / NAME
    with (binaries.parent / f".{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _make(kept, binaries, environment)
    data.mkdir(exist_ok=True, mode=0o700)
    copied = data / f".{NAME}.{os.getpid()}.tmp"
    shutil.copyfile(kept, copied)
    copied.replace(data / NAME)


def _make(kept: Path, binaries: Path, environment: Mapping[str, str]) -> None:
    """Every command of the server migrates first; `version` does no more, and makes no user."""
    command = [str(binaries / "label-studio"), "version"]
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        there = {**environment, "HOME": folder, "LABEL_STUDIO_BASE_DATA_DIR": folder}
        done = subprocess.run(command, env=there, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabelStudioError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()[-2000:]}")
        (Path(folder) / NAME).replace(kept)
