"""What every test shares."""

from __future__ import annotations

import os
import re
from collections import defaultdict

import pytest

# Before torch is there: with two, the threads of two test processes wait for each other; stages use one, too.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: with two workers, neither is left alone with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


_SECONDS: defaultdict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what slow tests take; with workers, in the process that all of them report to."""
    if "slow" in report.keywords:
        _SECONDS[re.sub(r"@\w+$", "", report.nodeid)] += report.duration  # workers add the name of a group


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep it for `python -m benchmarks.tests`, beside what tests that did not run now took before."""
    cache = getattr(session.config, "cache", None)
    if cache and _SECONDS and not hasattr(session.config, "workerinput"):
        cache.set("culturebench/seconds", {**cache.get("culturebench/seconds", {}), **_SECONDS})
