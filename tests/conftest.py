"""What every test shares."""

from __future__ import annotations

import os

import pytest

# Before torch is there: with two, the threads of two test processes wait for each other; stages use one, too.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: with two workers, neither is left alone with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
