"""The flow that brings the pipeline up to date, a Prefect task for each group of stages."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows import dvc

#: Names of stages that end a part of the pipeline; each part is one task, in this order.
PARTS = {
    "data": ("split",),
    "encoders": ("select_neurons",),
    "models": ("tune_strength", "train_enhancer"),
    "pictures": ("generate", "generate_edited", "generate_enhanced"),
    "results": ("report",),
}


@task(cache_policy=NO_CACHE)  # DVC alone decides what is up to date
def reproduce_part(targets: tuple[str, ...], root: Path) -> dict[str, str]:
    """Bring `targets` and what is before them up to date; returns stage -> outcome."""
    logger = get_run_logger()
    outcomes = dvc.reproduce(targets, root=root, on_line=logger.info)
    return {outcome.stage: outcome.outcome.value for outcome in outcomes}


@flow(name="reproduce")
def reproduce(root: Path = Path(), parts: tuple[str, ...] = tuple(PARTS)) -> dict[str, str]:
    """Bring the named parts up to date one after another; returns stage -> outcome, the last word on each.

    Raises `flows.dvc.DvcError` at the first stage that fails.
    """
    found: dict[str, str] = {}
    for part in parts:
        done = reproduce_part.with_options(name=part)(PARTS[part], root)
        # A stage that ran in an earlier part is skipped in a later one, and has run all the same.
        found.update({stage: outcome for stage, outcome in done.items() if stage not in found or outcome != "skipped"})
    return found
