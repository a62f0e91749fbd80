"""The flow that brings the pipeline up to date: a Prefect task for each group of stages, in their order."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, cast

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows import digests, dvc, experiment, results
from flows.dvc import DvcError, Outcome, StageOutcome
from flows.pipeline import Pipeline, Stage
from flows.processes import ending_all
from flows.publish import publish as publish_results
from flows.redact import redactor
from flows.workspace import only_writer

#: Groups that wait for other people's servers: a task for each region, that many at a time.
NETWORK = frozenset({"collect"})
FAN_OUT = 4
#: Groups that compute on a GPU where there is one: one stage after another on each.
DEVICE = frozenset(
    {
        "probe_layers",
        "check_layers",
        "train_sae",
        "select_neurons",
        "compare_selectors",
        "tune_strength",
        "train_enhancer",
        "generate",
        "generate_edited",
        "generate_enhanced",
        "generate_one_prompt",
        "judge",
        "judge_reliability",
        "measure",
    }
)

Outcomes = dict[str, StageOutcome]


@task(cache_policy=NO_CACHE, persist_result=False)  # DVC alone decides what is up to date
def run_stages(stages: Sequence[str], root: Path, device: str | None = None) -> tuple[StageOutcome, ...]:
    """Run `stages` one after another, each when DVC finds it stale; `device` is the only GPU that they see."""
    logger, redact = get_run_logger(), redactor()
    environment = {"CUDA_VISIBLE_DEVICES": device} if device is not None else None
    try:
        return dvc.reproduce(
            stages,
            root=root,
            on_line=lambda line: logger.info("%s", redact(line)),
            environment=environment,
            single=True,
        )
    except DvcError as error:
        raise DvcError(redact(str(error)), error.outcomes) from None


@flow(name="reproduce", task_runner=cast(Any, ThreadPoolTaskRunner(max_workers=FAN_OUT)), persist_result=False)
def reproduce(
    targets: list[str] | None = None,
    regions: list[str] | None = None,
    models: list[str] | None = None,
    overrides: dict[str, Any] | None = None,
    devices: list[str] | None = None,
    publish: Literal["none", "branch"] = "none",
    root: Path = Path(),
) -> dict[str, str]:
    """Bring stages up to date; returns what became of each that was stale.

    Args:
        targets: Stages (`judge`, `collect@jp`) to bring up to date with all that they need; everything by default.
        regions: Narrows the targets to stages of these regions, and of no region where targets are named.
        models: Narrows the targets in the same way to stages of these models.
        overrides: Params to change for this run, `generate.seeds: [0, 1]`; the run becomes a DVC experiment and the
            workspace stays as it is. Code, keys, servers and paths outside of the workspace cannot be named.
        devices: GPUs as `CUDA_VISIBLE_DEVICES` names them; one stage at a time runs on each. By default one stage at a
            time runs at all.
        publish: `branch`: after success `dvc push`, and dvc.lock with the metrics on the branch `results`.
        root: The workspace.
    """
    chosen = (targets or (), regions or (), models or (), devices or ())
    logger = get_run_logger()
    with ending_all(), ExitStack() as stack:
        if not overrides:
            stack.enter_context(only_writer(root, logger.info))
            return _reproduce(root, *chosen, publish)
        experiment.refuse_unsafe(root, overrides)
        with only_writer(root, logger.info):
            copy = stack.enter_context(experiment.checkout(root, overrides))
        found = _reproduce(copy, *chosen, "none")
        name = str(flow_run.name)
        experiment.keep(root, copy, name)
        logger.info("Kept as the experiment %s: `dvc exp apply %s` takes it over.", name, name)
        return found


def _reproduce(
    root: Path,
    targets: Sequence[str],
    regions: Sequence[str],
    models: Sequence[str],
    devices: Sequence[str],
    publish: str,
) -> dict[str, str]:
    logger = get_run_logger()
    started = time.monotonic()
    digests.note(root)  # once: each task of the run takes it as it is
    pipeline = dvc.look(root=root, noted=True)
    selected = pipeline.select(targets, regions, models)
    stale = [name for name in selected if name in pipeline.stale]
    logger.info("%d of %d stages are stale.", len(stale), len(selected))
    before = results.metrics(root)
    found: Outcomes = {}
    try:
        _run_groups(pipeline, [selected[name] for name in stale], root, devices, found)
    except DvcError:
        results.publish_stages(selected, found, time.monotonic() - started)
        raise
    results.publish_stages(selected, found, time.monotonic() - started)
    results.publish_results(root, before)
    if publish == "branch":
        redact = redactor()
        commit = publish_results(root, lambda line: logger.info("%s", redact(line)))
        logger.info("Published as %s.", commit)
    return {name: outcome.outcome.value for name, outcome in found.items()}


def _run_groups(
    pipeline: Pipeline, stale: Sequence[Stage], root: Path, devices: Sequence[str], found: Outcomes
) -> None:
    """Run the stale stages group by group, and add to `found` what becomes of each, also when one fails."""
    for group, members in itertools.groupby(stale, key=lambda stage: stage.group):
        # One that only may run needs no command when nothing before it did.
        todo = [s.name for s in members if pipeline.stale[s.name].certain or _executed(s, found)]
        errors: list[DvcError] = []
        for lane in _start(group, todo, root, devices):
            try:
                outcomes: tuple[StageOutcome, ...] = lane.result()
            except DvcError as error:
                errors.append(error)
                outcomes = error.outcomes
            found.update({outcome.stage: outcome for outcome in outcomes})
        if errors:
            raise errors[0]


def _executed(stage: Stage, found: Mapping[str, StageOutcome]) -> bool:
    return any(found[name].outcome is not Outcome.CACHED for name in stage.before if name in found)


def _start(group: str, todo: Sequence[str], root: Path, devices: Sequence[str]) -> list[PrefectFuture[Any]]:
    """The tasks of one group, at work side by side."""
    if not todo:
        return []
    if group in NETWORK:
        return [run_stages.with_options(name=name).submit([name], root) for name in todo]
    lanes: list[tuple[str | None, Sequence[str]]] = [(None, todo)]
    if group in DEVICE and devices:
        lanes = [(device, todo[place :: len(devices)]) for place, device in enumerate(devices)]
    return [
        run_stages.with_options(name=group if len(lanes) == 1 else f"{group} on {device}").submit(part, root, device)
        for device, part in lanes
        if part
    ]
