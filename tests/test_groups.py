"""Tests of one group share a server and must not meet on two workers."""

from __future__ import annotations

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all tests: there are no workers")
@pytest.mark.xdist_group("together")
def test_workers_know_the_groups(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@together"), "this pytest-xdist scatters groups with this pytest"
