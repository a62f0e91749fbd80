"""What every test shares."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: with two workers, neither is left alone with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
