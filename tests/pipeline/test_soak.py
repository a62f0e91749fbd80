"""Kills at the worst moments lose nothing: the soak of `python -m benchmarks.soak`, thirty kills of it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.soak.experts import of_pull, of_push
from benchmarks.soak.series import Series, of_checkpoints, of_experiments, of_flows, of_runs
from workspace import Workspace

pytestmark = pytest.mark.slow


def enough(series: Series, kills: int) -> bool:
    """Whether so many met their command, and the last run of every workspace came to its end."""
    return series.total == kills and series.runs >= 1


def test_a_run_killed_over_all_its_stages_and_at_the_worst_places_ends_as_an_undisturbed_one(
    finished: Workspace, tmp_path: Path
) -> None:
    found = of_runs(finished, tmp_path, 10, Random(2))
    assert enough(found, 10) and len(found.kills) >= 4, found


def test_training_killed_while_it_keeps_its_state_ends_with_the_same_bytes(finished: Workspace, tmp_path: Path) -> None:
    assert enough(of_checkpoints(finished, tmp_path, 6, Random(0)), 6)


def test_a_flow_killed_under_a_task_goes_on_where_it_was(finished: Workspace, tmp_path: Path) -> None:
    assert enough(of_flows(finished, tmp_path, 2, Random(0)), 2)


def test_an_experiment_killed_while_it_is_copied_leaves_the_workspace_as_it_was(
    finished: Workspace, tmp_path: Path
) -> None:
    assert enough(of_experiments(finished, tmp_path, 3, Random(0)), 3)


def test_a_push_to_experts_killed_at_any_moment_makes_no_task_twice(finished: Workspace, tmp_path: Path) -> None:
    assert enough(of_push(finished, tmp_path, 5, Random(0)), 5)


def test_a_pull_killed_at_any_moment_leaves_no_half_file(finished: Workspace, tmp_path: Path) -> None:
    assert enough(of_pull(finished, tmp_path, 5, Random(0)), 5)
