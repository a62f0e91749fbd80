"""The flow runs the parts of the pipeline in their order."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from flows import dvc, reproduce as flow_module
from flows.dvc import Outcome, StageOutcome

ROOT = Path(__file__).parents[2]


def test_every_part_ends_in_stages_of_dvc_yaml() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for targets in flow_module.PARTS.values():
        assert set(targets) <= set(stages)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_runs_all_parts_and_keeps_that_a_stage_ran(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, ...]] = []

    def reproduce(targets: tuple[str, ...], **_options: object) -> tuple[StageOutcome, ...]:
        first_time = not asked
        asked.append(targets)
        return (StageOutcome("split", Outcome.RAN if first_time else Outcome.SKIPPED, 0.1),)

    monkeypatch.setattr(dvc, "reproduce", reproduce)
    with caplog.at_level(logging.WARNING):
        assert flow_module.reproduce(ROOT) == {"split": "ran"}
    assert asked == list(flow_module.PARTS.values())
