"""Folders that take long to make and that all workers of one run of the tests share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name`, filled by whichever worker asks first while the others wait; to be read, and copied.

    A `make` that fails fails for every worker that asks.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # a worker's own lies in that of the run
    folder, done = shared / name, shared / f"{name}.made"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            assert not folder.exists(), f"{name} could not be made: the first test that asked for it says why"
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
